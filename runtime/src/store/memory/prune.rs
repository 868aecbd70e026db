//! Deleting ended jobs.

use std::ops::Bound;

use super::jobs::{Jobs, Record};
use super::seq::Seq;
use crate::store::{PageToken, Prune, Pruned};

impl Jobs {
    pub(super) fn prune(&mut self, prune: &Prune) -> Pruned {
        let after = prune.after.as_ref().map_or(0, PageToken::number);
        let mut candidates = self
            .records
            .range((Bound::Excluded(after), Bound::Unbounded))
            .take_while(|(_, record)| !prune.ends_at(record.job.created_at));
        let (mut last, mut found) = (after, Vec::new());
        for (seq, record) in candidates.by_ref().take(prune.limit) {
            last = *seq;
            if is_prunable(prune, record) {
                found.push(*seq);
            }
        }
        let next = candidates.next().map(|_| PageToken::from_number(last));
        for seq in &found {
            self.delete(*seq);
        }
        Pruned { deleted: found.len() as u64, next }
    }

    fn delete(&mut self, seq: Seq) {
        let Some(record) = self.records.remove(&seq) else { return };
        let Record { job, .. } = *record;
        self.counts.remove(&job);
        self.seqs.remove(&job.id);
        if let Some(key) = &job.idempotency_key
            && self.idempotency_keys.get(key) == Some(&seq)
        {
            self.idempotency_keys.remove(key);
        }
    }
}

/// Whether a job has ended, matches, no worker is still to release it, and no other job waits for it.
fn is_prunable(prune: &Prune, record: &Record) -> bool {
    let Record { job, successors, .. } = record;
    successors.is_empty()
        && !record.is_unreleased()
        && job.ended_at.is_some_and(|ended_at| prune.matches(job.state, ended_at))
}
