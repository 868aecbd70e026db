use std::ops::RangeInclusive;

use enact::store::NewEvent;
use rusqlite::params;

use super::counters::Counters;
use super::prepare::statements;
use crate::encode::{IdText, time};
use crate::error::Error;

statements! { Events {
    insert_event: "
        INSERT INTO events (position, id, name, payload, correlation, cause, emitted_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    delete_events: "DELETE FROM events WHERE position BETWEEN ?1 AND ?2",
} }

impl Events<'_> {
    pub(crate) fn append(&mut self, events: &[NewEvent], counters: &mut Counters<'_>) -> Result<(), Error> {
        for event in events {
            self.insert_event.execute(params![
                counters.next_event()?,
                IdText::from(event.id),
                event.name,
                event.payload.as_str(),
                event.correlation.as_str(),
                event.cause.map(IdText::from),
                time(event.emitted_at),
            ])?;
        }
        Ok(())
    }

    /// Returns the number of deleted events.
    pub(crate) fn delete(
        &mut self,
        positions: &RangeInclusive<i64>,
        counters: &mut Counters<'_>,
    ) -> Result<u64, Error> {
        counters.retain_event(*positions.end())?;
        Ok(self.delete_events.execute([positions.start(), positions.end()])? as u64)
    }
}
