use enact::store::{NewTick, StoreError, Ticked};
use jiff::Timestamp;
use rusqlite::{Connection, Statement, params};

use super::submit::Limits;
use super::{Operation, prepare};
use crate::encode::{EncodedJob, time};
use crate::error::Broken;
use crate::rows;

pub(crate) const SELECT_LAST_TICK: &str = "SELECT last_tick FROM schedules WHERE name = ?1";

pub(crate) const UPSERT_TICK: &str = "
    INSERT INTO schedules (name, last_tick) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET last_tick = excluded.last_tick";

/// [`Store::tick`](enact::store::Store::tick).
pub(crate) struct Ticking {
    tick: NewTick,
    jobs: Vec<EncodedJob>,
}

impl Ticking {
    pub(crate) fn of(mut tick: NewTick) -> Result<Self, StoreError> {
        let jobs = EncodedJob::all(std::mem::take(&mut tick.jobs))?;
        Ok(Self { tick, jobs })
    }
}

impl Operation for Ticking {
    type Answer = Ticked;

    fn run(&self, statements: &mut super::Statements<'_>) -> Result<Ticked, Broken> {
        let super::Statements { submit, live, counters, tick: statements, .. } = statements;
        let NewTick { schedule, last, at, .. } = &self.tick;
        let on_record = statements.last(schedule)?;
        if on_record.map(time) != last.map(time) {
            return Ok(Ticked::Stale(on_record));
        }
        statements.upsert_tick.execute(params![schedule, time(*at)])?;
        let answers = submit.admit(&self.jobs, Limits::Apply, live, counters)?;
        submit.insert_new(&self.jobs, &answers, live, counters)?;
        Ok(Ticked::Done(answers))
    }
}

pub(super) struct Statements<'c> {
    select_last_tick: Statement<'c>,
    upsert_tick: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            select_last_tick: prepare(connection, SELECT_LAST_TICK)?,
            upsert_tick: prepare(connection, UPSERT_TICK)?,
        })
    }

    fn last(&mut self, schedule: &str) -> Result<Option<Timestamp>, Broken> {
        let mut rows = self.select_last_tick.query([schedule])?;
        rows.next()?.map(|row| rows::last_tick(schedule, row)).transpose()
    }
}
