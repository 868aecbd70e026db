use enact::store::SchedulePosition;
use rusqlite::params;

use super::prepare::statements;
use crate::encode::{IdText, time};
use crate::error::Error;
use crate::rows;

statements! { Schedules {
    select_position: "SELECT last_tick, last_job FROM schedules WHERE name = ?1",
    upsert_position: "
        INSERT INTO schedules (name, last_tick, last_job) VALUES (?1, ?2, ?3)
        ON CONFLICT (name) DO UPDATE SET last_tick = excluded.last_tick, last_job = excluded.last_job",
} }

impl Schedules<'_> {
    pub(crate) fn position(&mut self, schedule: &str) -> Result<Option<SchedulePosition>, Error> {
        let mut rows = self.select_position.query([schedule])?;
        rows.next()?.map(|row| rows::schedule_position(schedule, row)).transpose()
    }

    pub(crate) fn set_position(&mut self, schedule: &str, position: SchedulePosition) -> Result<(), Error> {
        let SchedulePosition { tick, job } = position;
        self.upsert_position.execute(params![schedule, time(tick), job.map(IdText::from)])?;
        Ok(())
    }
}
