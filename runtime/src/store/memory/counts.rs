use std::sync::Arc;

use crate::model::{FastMap, Job, JobKind, JobState};
use crate::store::{JobCount, LiveCount};

/// The number of jobs by name, kind and state. Combinations without jobs have no entry.
#[derive(Debug, Default)]
pub(super) struct Counts(FastMap<Arc<str>, FastMap<(JobKind, JobState), u64>>);

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

    /// Those that have not ended, by name.
    pub(super) fn live(&self) -> Vec<LiveCount> {
        let counts = self.0.keys().map(|name| LiveCount::new(name.clone(), self.queued(name)));
        let mut live: Vec<_> = counts.filter(|live| live.count > 0).collect();
        live.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        live
    }

    pub(super) fn all(&self) -> Vec<JobCount> {
        let mut all = Vec::new();
        for (name, of_name) in &self.0 {
            for ((kind, state), count) in of_name {
                all.push(JobCount::new(*kind, name.clone(), *state, *count));
            }
        }
        all
    }
}
