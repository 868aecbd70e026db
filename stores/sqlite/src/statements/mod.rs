//! The statements of the writes, prepared once, and what the writer keeps in memory between them.

pub(crate) mod attempts;
pub(crate) mod claims;
pub(crate) mod counters;
pub(crate) mod entities;
pub(crate) mod events;
pub(crate) mod lanes;
pub(crate) mod leases;
pub(crate) mod live_jobs;
pub(crate) mod names;
pub(crate) mod prepare;
pub(crate) mod pruning;
pub(crate) mod schedules;
pub(crate) mod specs;
pub(crate) mod turns;

use rusqlite::Connection;

use self::attempts::Attempts;
use self::claims::Claims;
use self::counters::Counters;
use self::entities::Entities;
use self::events::Events;
use self::leases::Leases;
use self::live_jobs::LiveJobs;
use self::pruning::Pruning;
use self::schedules::Schedules;
use self::specs::Specs;
use self::turns::Turns;
use crate::error::Error;
use crate::write_cache::WriteCache;

pub(crate) struct Statements<'c> {
    pub(crate) specs: Specs<'c>,
    pub(crate) live: LiveJobs<'c>,
    pub(crate) claims: Claims<'c>,
    pub(crate) turns: Turns<'c>,
    pub(crate) attempts: Attempts<'c>,
    pub(crate) entities: Entities<'c>,
    pub(crate) events: Events<'c>,
    pub(crate) leases: Leases<'c>,
    pub(crate) pruning: Pruning<'c>,
    pub(crate) schedules: Schedules<'c>,
    pub(crate) counters: Counters<'c>,
    pub(crate) cache: &'c WriteCache,
}

impl<'c> Statements<'c> {
    pub(crate) fn prepare(connection: &'c Connection, cache: &'c WriteCache) -> rusqlite::Result<Self> {
        Ok(Self {
            specs: Specs::prepare(connection)?,
            live: LiveJobs::prepare(connection, cache)?,
            claims: Claims::prepare(connection)?,
            turns: Turns::prepare(connection)?,
            attempts: Attempts::prepare(connection)?,
            entities: Entities::prepare(connection)?,
            events: Events::prepare(connection)?,
            leases: Leases::prepare(connection)?,
            pruning: Pruning::prepare(connection)?,
            schedules: Schedules::prepare(connection)?,
            counters: Counters::prepare(connection)?,
            cache,
        })
    }

    /// Writes what is written once a transaction, before the commit.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.live.names.flush()
    }

    /// Forgets everything kept in memory, because the database may have changed.
    pub(crate) fn clear_caches(&mut self) {
        self.counters.clear();
        self.live.clear();
        self.turns.clear();
        self.cache.clear();
    }
}

/// The name and SQL of every statement.
#[cfg(test)]
pub(crate) fn all_sql() -> impl Iterator<Item = (&'static str, &'static str)> {
    let groups = [
        Specs::SQL,
        live_jobs::Sql::SQL,
        lanes::Lanes::SQL,
        Claims::SQL,
        turns::Sql::SQL,
        Attempts::SQL,
        Entities::SQL,
        Events::SQL,
        Leases::SQL,
        Pruning::SQL,
        Schedules::SQL,
        counters::Sql::SQL,
        names::Sql::SQL,
    ];
    groups.into_iter().flatten().copied()
}
