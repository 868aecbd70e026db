//! The ready jobs, in the order in which they are claimed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::seq::Seq;
use crate::model::Job;
use crate::store::Claim;

/// By priority, then by sequence number or by a number that shuffles them.
type ClaimOrder = (Reverse<i32>, u64, Seq);

/// Ready jobs by name.
#[derive(Debug, Default)]
pub(super) struct Ready {
    names: HashMap<Arc<str>, BTreeSet<ClaimOrder>>,
    /// Shuffles jobs of equal priority.
    seed: Option<u64>,
}

impl Ready {
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { names: HashMap::new(), seed: Some(seed) }
    }

    /// The same for each call, so that the job is found again.
    fn order(&self, job: &Job, seq: Seq) -> ClaimOrder {
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

    /// The jobs to claim.
    pub(super) fn first(&self, claim: &Claim) -> Vec<Seq> {
        let mut queues = vec![Vec::new(); claim.room.len()];
        for (name, queue) in &*claim.queues {
            if let (Some(jobs), Some(first)) = (self.names.get(name), queues.get_mut(*queue)) {
                first.extend(jobs.iter().take(claim.room[*queue]).copied());
            }
        }
        for (first, room) in queues.iter_mut().zip(&claim.room) {
            first.sort_unstable();
            first.truncate(*room);
        }
        queues.into_iter().flatten().map(|(.., seq)| seq).collect()
    }
}

/// A pseudo-random number for each sequence number (`SplitMix64`).
fn shuffle(seed: u64, seq: Seq) -> u64 {
    let state = seed.wrapping_add(seq.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
