//! The jobs that are ready, in the order in which they are handed out.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::jobs::Place;
use crate::model::Job;
use crate::store::Claim;

/// Those of a higher priority first; of one priority, by rank.
type Turn = (Reverse<i32>, u64, Place);

/// Ready jobs by name.
#[derive(Debug, Default)]
pub(super) struct Ready {
    names: HashMap<Arc<str>, BTreeSet<Turn>>,
    /// What the order of jobs of equal priority is drawn from, if it is not that of record.
    seed: Option<u64>,
}

impl Ready {
    pub(super) fn shuffled(seed: u64) -> Self {
        Self { names: HashMap::new(), seed: Some(seed) }
    }

    /// Always says the same of a job, so that it is found again to be removed.
    fn turn(&self, job: &Job, place: Place) -> Turn {
        let rank = self.seed.map_or(place, |seed| draw(seed, place));
        (Reverse(job.priority), rank, place)
    }

    pub(super) fn insert(&mut self, job: &Job, place: Place) {
        let turn = self.turn(job, place);
        self.names.entry(job.name.clone()).or_default().insert(turn);
    }

    pub(super) fn remove(&mut self, job: &Job, place: Place) {
        let turn = self.turn(job, place);
        if let Some(turns) = self.names.get_mut(&job.name) {
            turns.remove(&turn);
            if turns.is_empty() {
                self.names.remove(&job.name);
            }
        }
    }

    /// The first jobs of each queue of a claim, as many as there is room for.
    pub(super) fn first(&self, claim: &Claim) -> Vec<Place> {
        let mut queues = vec![Vec::new(); claim.room.len()];
        for (name, queue) in &*claim.queues {
            if let (Some(turns), Some(first)) = (self.names.get(name), queues.get_mut(*queue)) {
                first.extend(turns.iter().take(claim.room[*queue]).copied());
            }
        }
        for (first, room) in queues.iter_mut().zip(&claim.room) {
            first.sort_unstable();
            first.truncate(*room);
        }
        queues.into_iter().flatten().map(|(.., place)| place).collect()
    }
}

/// A number that looks random, and is the same whenever the same place is asked for (`SplitMix64`).
fn draw(seed: u64, place: Place) -> u64 {
    let state = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
