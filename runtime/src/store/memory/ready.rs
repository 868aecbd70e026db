//! The ready jobs, in the order in which they are claimed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::seq::Seq;
use crate::model::{FastMap, Job};
use crate::store::Claim;

/// By priority, then by sequence number or by a number that shuffles them.
pub(super) type ClaimOrder = (Reverse<i32>, u64, Seq);

/// Ready jobs by name.
#[derive(Debug, Default)]
pub(super) struct Ready {
    names: FastMap<Arc<str>, BTreeSet<ClaimOrder>>,
    /// Shuffles jobs of equal priority.
    seed: Option<u64>,
}

impl Ready {
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { names: FastMap::default(), seed: Some(seed) }
    }

    /// The same for each call, so that the job is found again.
    pub(super) fn order(&self, job: &Job, seq: Seq) -> ClaimOrder {
        let tie_break = self.seed.map_or(seq, |seed| shuffle(seed, seq));
        (Reverse(job.priority), tie_break, seq)
    }

    pub(super) fn insert(&mut self, job: &Job, seq: Seq) {
        let order = self.order(job, seq);
        self.names.entry(job.name.clone()).or_default().insert(order);
    }

    pub(super) fn remove(&mut self, job: &Job, seq: Seq) {
        let order = self.order(job, seq);
        if let Some(jobs) = self.names.get_mut(&job.name) {
            jobs.remove(&order);
            if jobs.is_empty() {
                self.names.remove(&job.name);
            }
        }
    }

    /// The first job of a queue.
    pub(super) fn first(&self, claim: &Claim, queue: usize) -> Option<Seq> {
        let names = claim.names.iter().filter(|(_, claimable)| claimable.queue == queue);
        let first = names.filter_map(|(name, _)| self.names.get(name)?.first()).min()?;
        Some(first.2)
    }
}

/// A pseudo-random number for each sequence number (`SplitMix64`).
fn shuffle(seed: u64, seq: Seq) -> u64 {
    let state = seed.wrapping_add(seq.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
