use jiff::Timestamp;
use rusqlite::params;

use super::prepare::statements;
use crate::encode::time;
use crate::error::Error;
use crate::queries::LAST_TICK;
use crate::rows;

statements! { Schedules {
    select_last_tick: LAST_TICK,
    upsert_tick: "
        INSERT INTO schedules (name, last_tick) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET last_tick = excluded.last_tick",
} }

impl Schedules<'_> {
    pub(crate) fn last_tick(&mut self, schedule: &str) -> Result<Option<Timestamp>, Error> {
        let mut rows = self.select_last_tick.query([schedule])?;
        rows.next()?.map(|row| rows::last_tick(schedule, row)).transpose()
    }

    pub(crate) fn record_tick(&mut self, schedule: &str, at: Timestamp) -> Result<(), Error> {
        self.upsert_tick.execute(params![schedule, time(at)])?;
        Ok(())
    }
}
