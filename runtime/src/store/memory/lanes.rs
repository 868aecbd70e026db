//! Lanes: whose turn it is among the jobs of one order key (r26).

use std::collections::{BTreeSet, HashMap};

use super::jobs::Place;
use crate::model::Key;

#[derive(Debug)]
struct Lane {
    /// Those that have not ended.
    members: BTreeSet<Place>,
    /// The one that has the turn: the first, but for one that was retried by hand while another was at it.
    turn: Place,
}

/// The lanes that have a job in them.
#[derive(Debug, Default)]
pub(super) struct Lanes(HashMap<Key, Lane>);

impl Lanes {
    pub(super) fn has_turn(&self, lane: &Key, place: Place) -> bool {
        self.0.get(lane).is_some_and(|lane| lane.turn == place)
    }

    /// Who has the turn.
    pub(super) fn turn(&self, lane: &Key) -> Option<Place> {
        self.0.get(lane).map(|lane| lane.turn)
    }

    /// Lets a job stand at its place. It has the turn if the lane was empty.
    pub(super) fn enter(&mut self, lane: &Key, place: Place) {
        let entered = self.0.entry(lane.clone());
        let lane = entered.or_insert_with(|| Lane { members: BTreeSet::new(), turn: place });
        lane.members.insert(place);
    }

    /// Takes the turn from the one that has it, for the first.
    pub(super) fn restart(&mut self, lane: &Key) -> Option<Place> {
        let lane = self.0.get_mut(lane)?;
        lane.turn = *lane.members.first()?;
        Some(lane.turn)
    }

    /// Takes a job that has ended out of its lane. Answers who gets the turn, if that one had it.
    pub(super) fn leave(&mut self, key: &Key, place: Place) -> Option<Place> {
        let lane = self.0.get_mut(key)?;
        lane.members.remove(&place);
        let Some(&first) = lane.members.first() else {
            self.0.remove(key);
            return None;
        };
        if lane.turn != place {
            return None;
        }
        lane.turn = first;
        Some(first)
    }
}
