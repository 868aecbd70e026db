//! Listing and counting jobs.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use super::jobs::{Jobs, Record, Seq};
use crate::model::{Job, JobKind, JobState};
use crate::store::{JobCount, JobPage, JobQuery, PageToken};

impl Jobs {
    pub(super) fn page(&self, query: &JobQuery) -> JobPage {
        let mut found = self.from_page(query).filter(|(_, record)| matches(query, &record.job));
        let (mut jobs, mut last) = (Vec::new(), None);
        for (seq, record) in found.by_ref().take(query.limit) {
            jobs.push(record.job.clone());
            last = Some(PageToken::from_u64(*seq));
        }
        JobPage::new(jobs, if found.next().is_some() { last } else { None })
    }

    /// The jobs of the query's page and all later ones, in the query's direction.
    fn from_page(&self, query: &JobQuery) -> Box<dyn Iterator<Item = (&Seq, &Record)> + '_> {
        let token = query.page.map_or(Bound::Unbounded, |token| Bound::Excluded(token.as_u64()));
        if query.latest_first {
            Box::new(self.records.range((Bound::Unbounded, token)).rev())
        } else {
            Box::new(self.records.range((token, Bound::Unbounded)))
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

/// The number of jobs by name, kind and state. Combinations without jobs have no entry.
#[derive(Debug, Default)]
pub(super) struct Counts(HashMap<Arc<str>, HashMap<(JobKind, JobState), u64>>);

impl Counts {
    pub(super) fn add(&mut self, job: &Job) {
        *self.0.entry(job.name.clone()).or_default().entry((job.kind, job.state)).or_default() += 1;
    }

    pub(super) fn remove(&mut self, job: &Job) {
        let Some(of_name) = self.0.get_mut(&job.name) else { return };
        if let Some(count) = of_name.get_mut(&(job.kind, job.state)) {
            *count -= 1;
            if *count == 0 {
                of_name.remove(&(job.kind, job.state));
            }
        }
        if of_name.is_empty() {
            self.0.remove(&job.name);
        }
    }

    /// The number of jobs of a name that have not ended.
    pub(super) fn queued(&self, name: &str) -> u64 {
        let of_name = self.0.get(name).into_iter().flatten();
        of_name.filter(|((_, state), _)| !state.has_ended()).map(|(_, count)| count).sum()
    }

    pub(super) fn all(&self) -> Vec<JobCount> {
        let mut all = Vec::new();
        for (name, of_name) in &self.0 {
            for ((kind, state), count) in of_name {
                all.push(JobCount { kind: *kind, name: name.clone(), state: *state, count: *count });
            }
        }
        all
    }
}
