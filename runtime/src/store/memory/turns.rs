//! Turns: of the claimed jobs of an entity one runs at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ready::ClaimOrder;
use super::seq::Seq;
use crate::model::FastMap;
use crate::store::EntityKey;

/// The entities whose turn a claimed job has, or for whose turn jobs are in line.
#[derive(Debug, Default)]
pub(super) struct Turns(FastMap<EntityKey, Turn>);

#[derive(Debug, Default)]
struct Turn {
    /// The number of jobs that have it.
    holders: usize,
    /// The ready jobs in line, by name.
    line: BTreeMap<Arc<str>, BTreeSet<ClaimOrder>>,
    /// The names of which a job has left the line and can be claimed.
    promoted: BTreeSet<Arc<str>>,
}

impl Turns {
    /// Takes the turn of an entity. Returns whether it was free.
    pub(super) fn take(&mut self, entity: &EntityKey) -> bool {
        let turn = self.0.entry(entity.clone()).or_default();
        let is_free = turn.holders == 0;
        turn.holders = turn.holders.max(1);
        is_free
    }

    /// Lets one more job have the turn of an entity.
    pub(super) fn share(&mut self, entity: &EntityKey) {
        self.0.entry(entity.clone()).or_default().holders += 1;
    }

    /// The first jobs in line.
    pub(super) fn first_in_line(&self, entity: &EntityKey, limit: usize) -> Vec<Seq> {
        let Some(turn) = self.0.get(entity) else { return Vec::new() };
        let mut first: Vec<ClaimOrder> =
            turn.line.values().flat_map(|jobs| jobs.iter().take(limit)).copied().collect();
        first.sort_unstable();
        first.truncate(limit);
        first.into_iter().map(|(.., seq)| seq).collect()
    }

    /// Puts a job in line.
    pub(super) fn enter(&mut self, entity: &EntityKey, name: &Arc<str>, job: ClaimOrder) {
        self.0.entry(entity.clone()).or_default().line.entry(name.clone()).or_default().insert(job);
    }

    /// Removes a job from the line.
    pub(super) fn leave(&mut self, entity: &EntityKey, name: &Arc<str>, job: ClaimOrder) {
        if let Some(turn) = self.0.get_mut(entity)
            && let Some(jobs) = turn.line.get_mut(name)
        {
            jobs.remove(&job);
            if jobs.is_empty() {
                turn.line.remove(name);
            }
        }
        self.forget_unused(entity);
    }

    /// A job does not have the turn any more. If it was the last, returns the jobs that leave the line: the first of each name.
    pub(super) fn end(&mut self, entity: &EntityKey) -> Vec<ClaimOrder> {
        let Some(turn) = self.0.get_mut(entity) else { return Vec::new() };
        turn.holders = turn.holders.saturating_sub(1);
        if turn.holders > 0 {
            return Vec::new();
        }
        let names: Vec<_> = turn.line.keys().filter(|name| !turn.promoted.contains(*name)).cloned().collect();
        let promoted = names.iter().filter_map(|name| self.promote(entity, name)).collect();
        self.forget_unused(entity);
        promoted
    }

    /// A promoted job has been claimed, cancelled or put in line again. Returns the next of its name, if it may leave the line.
    pub(super) fn demote(&mut self, entity: &EntityKey, name: &Arc<str>) -> Option<ClaimOrder> {
        let turn = self.0.get_mut(entity)?;
        turn.promoted.remove(name);
        let next = if turn.holders > 0 { None } else { self.promote(entity, name) };
        self.forget_unused(entity);
        next
    }

    fn promote(&mut self, entity: &EntityKey, name: &Arc<str>) -> Option<ClaimOrder> {
        let turn = self.0.get_mut(entity)?;
        let jobs = turn.line.get_mut(name)?;
        let first = jobs.pop_first()?;
        if jobs.is_empty() {
            turn.line.remove(name);
        }
        turn.promoted.insert(name.clone());
        Some(first)
    }

    fn forget_unused(&mut self, entity: &EntityKey) {
        if let Some(Turn { holders: 0, line, promoted }) = self.0.get(entity)
            && line.is_empty()
            && promoted.is_empty()
        {
            self.0.remove(entity);
        }
    }
}
