use std::ops::RangeInclusive;

use enact::store::Prune;

use crate::error::Error;
use crate::operation::Operation;
use crate::statements::Statements;

/// The second half of [`Store::prune`](enact::store::Store::prune): deletes the jobs that
/// [`prunable`](crate::queries::prunable) has found.
pub(crate) struct PruneJobs {
    pub(crate) prune: Prune,
    pub(crate) jobs: Vec<i64>,
}

impl Operation for PruneJobs {
    type Output = u64;

    fn run(&self, statements: &mut Statements<'_>) -> Result<u64, Error> {
        let Statements { live, pruning, counters, .. } = statements;
        let mut deleted = 0;
        for seq in &self.jobs {
            // Meanwhile it may have been retried or deleted, or another job may wait for it.
            let Some(state) = pruning.end(*seq, &self.prune)? else { continue };
            if live.has_successors(*seq)? {
                continue;
            }
            if let Some(name) = pruning.delete(*seq, counters)? {
                live.names.leaves(name, state);
            }
            deleted += 1;
        }
        Ok(deleted)
    }
}

/// The second half of [`Store::prune_events`](enact::store::Store::prune_events): deletes the events that
/// [`prunable_events`](crate::queries::prunable_events) has found, by ranges of their positions.
pub(crate) struct PruneEvents(pub(crate) Vec<RangeInclusive<i64>>);

impl Operation for PruneEvents {
    type Output = u64;

    fn run(&self, statements: &mut Statements<'_>) -> Result<u64, Error> {
        let Statements { events, counters, .. } = statements;
        self.0.iter().map(|positions| events.delete(positions, counters)).sum()
    }
}
