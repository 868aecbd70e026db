//! The events, in commit order.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::store::{Cursor, NewEvent, StoreError, StoredEvent};

#[derive(Debug, Default)]
pub(super) struct Events {
    stored: VecDeque<StoredEvent>,
    /// The cursor of the last event that was appended.
    last: u64,
}

impl Events {
    pub(super) fn append(&mut self, events: Vec<NewEvent>) {
        for event in events {
            self.last += 1;
            self.stored.push_back(StoredEvent::new(Cursor::from_number(self.last), event));
        }
    }

    pub(super) fn list(&self, after: &Cursor, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        if after.number() > self.last {
            let last = Cursor::from_number(self.last);
            return Err(StoreError::cursor_ahead("the store in memory", after, &last));
        }
        let read = self.stored.partition_point(|event| event.cursor.number() <= after.number());
        Ok(self.stored.range(read..).take(limit).cloned().collect())
    }

    /// As [`Store::prune_events`](crate::store::Store::prune_events).
    pub(super) fn prune(&mut self, before: Timestamp, now: Timestamp, limit: usize) -> u64 {
        let (mut skipped, mut deleted) = (Vec::new(), 0);
        while deleted < limit as u64
            && let Some(event) = self.stored.pop_front()
        {
            if event.emitted_at < before {
                deleted += 1;
            } else if event.emitted_at > now {
                skipped.push(event);
            } else {
                self.stored.push_front(event);
                break;
            }
        }
        for event in skipped.into_iter().rev() {
            self.stored.push_front(event);
        }
        deleted
    }
}
