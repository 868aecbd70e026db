//! Looking through all jobs.

use std::collections::HashMap;

use super::jobs::{Jobs, Place};
use crate::Job;
use crate::store::{JobCount, JobPage, JobQuery, PageToken};

impl Jobs {
    pub(super) fn page(&self, query: &JobQuery) -> JobPage {
        let mut found = self.behind(query).filter(|place| matches(query, &self.records[*place].job));
        let places: Vec<Place> = found.by_ref().take(query.limit).collect();
        let next = if found.next().is_some() { places.last().map(|place| token(*place)) } else { None };
        JobPage { jobs: places.into_iter().map(|place| self.records[place].job.clone()).collect(), next }
    }

    /// The places behind the query's token, in the query's direction.
    fn behind(&self, query: &JobQuery) -> Box<dyn Iterator<Item = Place>> {
        let end = self.records.len();
        let token = query.after.map(|token| usize::try_from(token.as_u64()).unwrap_or(usize::MAX));
        if query.latest_first {
            Box::new((0..token.unwrap_or(end).min(end)).rev())
        } else {
            Box::new(token.map_or(0, |place| place.saturating_add(1))..end)
        }
    }

    pub(super) fn count(&self) -> Vec<JobCount> {
        let mut counts = HashMap::new();
        for Job { kind, name, state, .. } in self.records.iter().map(|record| &record.job) {
            *counts.entry((*kind, name, *state)).or_insert(0) += 1;
        }
        counts
            .into_iter()
            .map(|((kind, name, state), count)| JobCount { kind, name: name.clone(), state, count })
            .collect()
    }
}

fn matches(query: &JobQuery, job: &Job) -> bool {
    (query.states.is_empty() || query.states.contains(&job.state))
        && query.name.as_deref().is_none_or(|name| *name == *job.name)
        && query.correlation.as_ref().is_none_or(|correlation| *correlation == job.correlation)
        && query.created_from.is_none_or(|from| job.created_at >= from)
        && query.created_before.is_none_or(|before| job.created_at < before)
}

fn token(place: Place) -> PageToken {
    PageToken::from_u64(place as u64)
}
