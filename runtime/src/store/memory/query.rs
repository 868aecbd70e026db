//! Listing jobs.

use std::ops::Bound;

use super::jobs::{Jobs, Record};
use super::seq::Seq;
use crate::model::Job;
use crate::store::{JobPage, JobQuery, PageToken};

impl Jobs {
    pub(super) fn page(&self, query: &JobQuery) -> JobPage {
        let mut found = self.starting_at(query).filter(|(_, record)| matches(query, &record.job));
        let (mut jobs, mut last) = (Vec::new(), None);
        for (seq, record) in found.by_ref().take(query.limit) {
            jobs.push(record.job.clone());
            last = Some(PageToken::from_number(*seq));
        }
        JobPage::new(jobs, if found.next().is_some() { last } else { None })
    }

    /// The jobs of the query's page and all later ones, in the query's direction.
    fn starting_at(&self, query: &JobQuery) -> Box<dyn Iterator<Item = (&Seq, &Record)> + '_> {
        let token = query.page.as_ref().map_or(Bound::Unbounded, |token| Bound::Excluded(token.number()));
        let unboxed = |(seq, record)| -> (_, &Record) { (seq, Box::as_ref(record)) };
        if query.latest_first {
            Box::new(self.records.range((Bound::Unbounded, token)).rev().map(unboxed))
        } else {
            Box::new(self.records.range((token, Bound::Unbounded)).map(unboxed))
        }
    }
}

fn matches(query: &JobQuery, job: &Job) -> bool {
    (query.states.is_empty() || query.states.contains(&job.state))
        && query.name.as_deref().is_none_or(|name| *name == *job.name)
        && query.correlation.as_ref().is_none_or(|correlation| *correlation == job.correlation)
        && query.created_from.is_none_or(|from| job.created_at >= from)
        && query.created_before.is_none_or(|before| job.created_at < before)
}
