//! The events, in commit order.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::store::{Cursor, NewEvent, StoredEvent};

#[derive(Debug, Default)]
pub(super) struct Events {
    kept: VecDeque<StoredEvent>,
    /// How many there have ever been. An event's cursor is how many there had been with it.
    appended: u64,
}

impl Events {
    pub(super) fn append(&mut self, events: Vec<NewEvent>) {
        for event in events {
            self.appended += 1;
            self.kept.push_back(StoredEvent {
                cursor: Cursor::from_u64(self.appended),
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
        let read = self.kept.partition_point(|event| event.cursor <= after);
        self.kept.range(read..).take(limit).cloned().collect()
    }

    /// Deletes the first ones, but those that are dated after `now`. The first of the others that is kept keeps all behind it.
    pub(super) fn prune(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> u64 {
        let (mut ahead, mut deleted) = (Vec::new(), 0);
        while deleted < limit as u64
            && let Some(event) =
                self.kept.pop_front_if(|event| event.emitted_at < before || event.emitted_at > now)
        {
            if event.emitted_at < before {
                deleted += 1;
            } else {
                ahead.push(event);
            }
        }
        for event in ahead.into_iter().rev() {
            self.kept.push_front(event);
        }
        deleted
    }
}
