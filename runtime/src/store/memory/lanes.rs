//! Lanes: the jobs of one order key run one at a time.

use std::collections::BTreeSet;

use super::seq::Seq;
use crate::model::{FastMap, Key};

#[derive(Debug)]
struct Lane {
    /// The jobs that have not ended.
    members: BTreeSet<Seq>,
    /// The first job, or a later one while an earlier one that was retried by hand waits for it.
    head: Seq,
}

/// The lanes that have a job.
#[derive(Debug, Default)]
pub(super) struct Lanes(FastMap<Key, Lane>);

impl Lanes {
    pub(super) fn is_head(&self, lane: &Key, seq: Seq) -> bool {
        self.0.get(lane).is_some_and(|lane| lane.head == seq)
    }

    pub(super) fn head(&self, lane: &Key) -> Option<Seq> {
        self.0.get(lane).map(|lane| lane.head)
    }

    /// Adds a job at its position. It becomes the head if the lane was empty.
    pub(super) fn enter(&mut self, lane: &Key, seq: Seq) {
        let entered = self.0.entry(lane.clone());
        let lane = entered.or_insert_with(|| Lane { members: BTreeSet::new(), head: seq });
        lane.members.insert(seq);
    }

    /// Makes the first job the head, and returns it.
    pub(super) fn reset_head(&mut self, lane: &Key) -> Option<Seq> {
        let lane = self.0.get_mut(lane)?;
        lane.head = *lane.members.first()?;
        Some(lane.head)
    }

    /// Removes a job that has ended. Returns the new head if it was the head.
    pub(super) fn leave(&mut self, key: &Key, seq: Seq) -> Option<Seq> {
        let lane = self.0.get_mut(key)?;
        lane.members.remove(&seq);
        let Some(&first) = lane.members.first() else {
            self.0.remove(key);
            return None;
        };
        if lane.head != seq {
            return None;
        }
        lane.head = first;
        Some(first)
    }
}
