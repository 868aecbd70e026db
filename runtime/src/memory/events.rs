//! The events, in commit order.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::store::{Cursor, NewEvent, StoredEvent};

#[derive(Debug, Default)]
pub(super) struct Events {
    kept: VecDeque<StoredEvent>,
    /// How many there have been before those that are kept. An event's cursor is how many there have been with it.
    pruned: u64,
}

impl Events {
    pub(super) fn append(&mut self, events: Vec<NewEvent>) {
        for event in events {
            self.kept.push_back(StoredEvent {
                cursor: Cursor::from_u64(self.pruned + self.kept.len() as u64 + 1),
                id: event.id,
                name: event.name,
                payload: event.payload,
                correlation: event.correlation,
                cause: event.cause,
                emitted_at: event.emitted_at,
            });
        }
    }

    pub(super) fn behind(&self, after: Cursor, limit: usize) -> Vec<StoredEvent> {
        let read = after.as_u64().saturating_sub(self.pruned);
        let read = usize::try_from(read).unwrap_or(usize::MAX).min(self.kept.len());
        self.kept.range(read..).take(limit).cloned().collect()
    }

    /// Deletes the first ones. The first one that is kept keeps all behind it.
    pub(super) fn prune(&mut self, before: Timestamp, limit: usize) -> u64 {
        let first = self.kept.iter().take(limit).take_while(|event| event.emitted_at < before).count();
        self.kept.drain(..first);
        self.pruned += first as u64;
        first as u64
    }
}
