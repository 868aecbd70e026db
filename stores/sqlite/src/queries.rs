//! The reads, on connections that only read.

use std::ops::RangeInclusive;

use enact::store::{
    Cursor, EntityKey, JobCount, JobPage, JobQuery, Lease, LiveCount, PageToken, Prune, RunningJob,
    StoredEntity, StoredEvent,
};
use enact::{Attempt, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, params, params_from_iter};

use crate::encode::integer;
use crate::error::Error;
use crate::job_query;
use crate::raw_text::{WorkerText, stored_id};
use crate::rows::{self, PruneCandidate, job_columns};

/// The largest number of jobs or events that one transaction deletes: other writes wait for it.
pub(crate) const MAX_PRUNED: usize = 50;

pub(crate) const LOAD: &str = "SELECT id, version, body FROM entities WHERE entity = ?1 AND id = ?2";

pub(crate) const LEASES: &str = "
    SELECT worker, renewals, length FROM leases
    UNION ALL
    SELECT DISTINCT live.worker, NULL, NULL FROM running AS live
    WHERE NOT EXISTS (SELECT 1 FROM leases AS l WHERE l.worker = live.worker)";

pub(crate) const RUNNING: &str = concat!(
    "SELECT live.seq, ",
    job_columns!(),
    ", live.worker, live.started_at, live.attempts, live.cancelled
    FROM running AS live CROSS JOIN jobs AS j ON j.seq = live.seq WHERE live.worker = ?1 ORDER BY live.seq LIMIT ?2"
);

/// Running jobs whose specs were deleted or renumbered by hand.
pub(crate) const RUNNING_WITHOUT_SPEC: &str = "
    SELECT live.seq, live.worker, live.started_at, live.attempts, n.name, live.begun, live.cancelled
    FROM running AS live LEFT JOIN names AS n ON n.id = live.name
    WHERE live.worker = ?1 AND NOT EXISTS (SELECT 1 FROM job_specs AS s WHERE s.seq = live.seq) LIMIT ?2";

pub(crate) const LAST_TICK: &str = "SELECT last_tick FROM schedules WHERE name = ?1";

pub(crate) const JOB: &str = concat!("SELECT j.seq, ", job_columns!(), " FROM jobs AS j WHERE j.id = ?1");

/// Looks first into the tables of the jobs that have not ended.
pub(crate) const STATE: &str = "
    SELECT s.seq, CASE
        WHEN EXISTS (SELECT 1 FROM waiting WHERE seq = s.seq) THEN 'waiting'
        WHEN EXISTS (SELECT 1 FROM ready
            WHERE in_line IN (0, 1) AND name = s.name AND priority = s.priority AND seq = s.seq) THEN 'ready'
        ELSE (SELECT j.state FROM jobs AS j WHERE j.seq = s.seq) END
    FROM job_specs AS s WHERE s.id = ?1";

const COUNTS: &str =
    "SELECT kind, name, waiting, ready, running, succeeded, failed, cancelled FROM names ORDER BY name, kind";

/// Reads all jobs: only if the counts were edited by hand.
const COUNT_JOBS: &str =
    "SELECT kind, name, state, count(*) FROM jobs GROUP BY name, kind, state ORDER BY name, kind";

/// Jobs of two kinds may have the same name.
pub(crate) const NAME_IDS: &str = "SELECT id FROM names WHERE name = ?1";

pub(crate) const ATTEMPTS: &str = "
    SELECT a.number, a.worker, a.started_at, a.ended_at, a.reached, a.version_read, a.version_written,
        a.strategies, a.events, a.failure, a.late_effects
    FROM job_specs AS s JOIN attempts AS a ON a.seq = s.seq WHERE s.id = ?1
    UNION ALL
    SELECT live.attempts, live.worker, live.started_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM job_specs AS s JOIN running AS live ON live.seq = s.seq WHERE s.id = ?1 AND live.begun = 1 AND live.cancelled = 0
    ORDER BY 1";

pub(crate) const ENTITIES: &str = "
    SELECT id, version, body FROM entities WHERE entity = ?1 ORDER BY id LIMIT ?2";

pub(crate) const ENTITIES_AFTER: &str = "
    SELECT id, version, body FROM entities WHERE entity = ?1 AND id > ?3 ORDER BY id LIMIT ?2";

pub(crate) const EVENTS: &str = "
    SELECT position, id, name, payload, correlation, cause, emitted_at FROM events
    WHERE position > ?1 ORDER BY position LIMIT ?2";

/// Numbers beyond 2^53 were edited by hand and are not assigned.
pub(crate) const LAST_EVENT: &str = "
    SELECT max(
        coalesce((SELECT max(position) FROM events WHERE position < 9007199254740992), 0),
        coalesce((SELECT last FROM sequences WHERE name = 'events' AND last < 9007199254740992), 0))";

/// Does not read the tables of jobs that have not ended: most jobs to keep are recognized without them.
pub(crate) const PRUNE_CANDIDATES: &str = "
    SELECT s.seq, s.created_at, c.ended_at, a.ended_at, a.output IS NOT NULL
    FROM job_specs AS s
    LEFT JOIN cancelled AS c ON c.seq = s.seq
    LEFT JOIN attempts AS a ON a.seq = s.seq AND a.number = (SELECT max(b.number) FROM attempts AS b WHERE b.seq = s.seq)
    WHERE s.seq > ?1 ORDER BY s.seq LIMIT ?2";

/// Whether a job has ended, no worker is still to release it, and no other job waits for it.
pub(crate) const IS_PRUNABLE: &str = "
    SELECT 1 FROM jobs AS j WHERE j.seq = ?1 AND j.ended_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM running AS live WHERE live.seq = ?1)
        AND NOT EXISTS (SELECT 1 FROM predecessors WHERE predecessor = ?1)";

pub(crate) const EVENT_TIMES: &str = "SELECT position, emitted_at FROM events ORDER BY position";

pub(crate) fn load(connection: &Connection, key: &EntityKey) -> Result<Option<StoredEntity>, Error> {
    let mut select = connection.prepare_cached(LOAD)?;
    let mut rows = select.query(params![key.entity, key.id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(rows::entity(row).1))
}

pub(crate) fn leases(connection: &Connection) -> Result<Vec<Lease>, Error> {
    all(connection, LEASES, [], rows::lease)
}

pub(crate) fn running(
    connection: &Connection,
    worker: &WorkerId,
    limit: usize,
) -> Result<Vec<RunningJob>, Error> {
    let worker = WorkerText::of(worker);
    let mut found = all(connection, RUNNING, params![worker, integer(limit)], rows::running_job)?;
    let rest = integer(limit.saturating_sub(found.len()));
    found.extend(all(connection, RUNNING_WITHOUT_SPEC, params![worker, rest], rows::running_without_spec)?);
    Ok(found)
}

pub(crate) fn last_tick(connection: &Connection, schedule: &str) -> Result<Option<Timestamp>, Error> {
    let mut select = connection.prepare_cached(LAST_TICK)?;
    let mut rows = select.query([schedule])?;
    rows.next()?.map(|row| rows::last_tick(schedule, row)).transpose()
}

pub(crate) fn job(connection: &Connection, id: JobId) -> Result<Option<Job>, Error> {
    let mut select = connection.prepare_cached(JOB)?;
    let mut rows = select.query([stored_id(connection, id)?])?;
    Ok(rows.next()?.map(|row| rows::job(row).1))
}

pub(crate) fn states(connection: &Connection, jobs: &[JobId]) -> Result<Vec<Option<JobState>>, Error> {
    let mut select = connection.prepare_cached(STATE)?;
    let state = |id: &JobId| {
        let mut rows = select.query([stored_id(connection, *id)?])?;
        Ok(rows.next()?.map(|row| rows::state(row).1))
    };
    jobs.iter().map(state).collect()
}

pub(crate) fn count_jobs(connection: &Connection) -> Result<Vec<JobCount>, Error> {
    let kept: Option<Vec<_>> = all(connection, COUNTS, [], rows::counts)?.into_iter().collect();
    match kept {
        Some(kept) => Ok(kept.into_iter().flatten().filter(|count| count.count > 0).collect()),
        None => all(connection, COUNT_JOBS, [], rows::job_count),
    }
}

pub(crate) fn count_live(connection: &Connection) -> Result<Vec<LiveCount>, Error> {
    let mut live: Vec<LiveCount> = Vec::new();
    // Jobs of two kinds may have the same name.
    for JobCount { name, state, count, .. } in count_jobs(connection)? {
        match live.last_mut() {
            _ if state.has_ended() => {}
            Some(last) if last.name == name => last.count += count,
            _ => live.push(LiveCount::new(name, count)),
        }
    }
    Ok(live)
}

pub(crate) fn attempts(connection: &Connection, id: JobId) -> Result<Vec<Attempt>, Error> {
    all(connection, ATTEMPTS, [stored_id(connection, id)?], rows::attempt)
}

pub(crate) fn entities(
    connection: &Connection,
    entity: &str,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<(Key, StoredEntity)>, Error> {
    match after {
        None => all(connection, ENTITIES, params![entity, integer(limit)], rows::entity),
        Some(after) => {
            all(connection, ENTITIES_AFTER, params![entity, integer(limit), after.as_str()], rows::entity)
        }
    }
}

pub(crate) struct EventPage {
    pub(crate) events: Vec<StoredEvent>,
    /// The last position that was assigned, even if its event was pruned.
    pub(crate) last: u64,
}

pub(crate) fn events(connection: &Connection, after: u64, limit: usize) -> Result<EventPage, Error> {
    let position = i64::try_from(after).unwrap_or(i64::MAX);
    let events = all(connection, EVENTS, params![position, integer(limit)], rows::event)?;
    let last: i64 = connection.prepare_cached(LAST_EVENT)?.query_row([], |row| row.get(0))?;
    let last = last.cast_unsigned();
    if events.is_empty() && after > last {
        let (cursor, last) = (Cursor::from_number(after), Cursor::from_number(last));
        return Err(Error::CursorAhead { cursor, last });
    }
    Ok(EventPage { events, last })
}

/// The jobs to prune, and where the next call continues.
pub(crate) struct Prunable {
    pub(crate) jobs: Vec<i64>,
    pub(crate) next: Option<PageToken>,
}

/// Finds the jobs to prune without blocking the writer.
pub(crate) fn prunable(connection: &Connection, prune: &Prune) -> Result<Prunable, Error> {
    let mut found = Prunable { jobs: Vec::new(), next: None };
    if prune.horizon().is_none() {
        return Ok(found);
    }
    let mut is_prunable = connection.prepare_cached(IS_PRUNABLE)?;
    let mut last = prune.after.as_ref().map_or(i64::MIN, |token| token.number().cast_signed());
    // One more than the limit, to know whether there are more.
    let limit = integer(prune.limit.saturating_add(1));
    let mut select = connection.prepare_cached(PRUNE_CANDIDATES)?;
    for (index, row) in select.query_map([last, limit], |row| Ok(rows::prune_candidate(row)))?.enumerate() {
        let PruneCandidate { seq, created_at, end } = row?;
        if prune.ends_at(created_at) {
            break;
        }
        if index == prune.limit {
            found.next = Some(PageToken::from_number(last.cast_unsigned()));
            break;
        }
        if end.is_some_and(|(state, ended_at)| prune.matches(state, ended_at)) && is_prunable.exists([seq])? {
            found.jobs.push(seq);
        }
        last = seq;
    }
    Ok(found)
}

/// Finds the events to prune without blocking the writer: the ranges of their positions, in parts of at most [`MAX_PRUNED`] events.
/// Between two ranges there are only events to keep.
pub(crate) fn prunable_events(
    connection: &Connection,
    before: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Vec<RangeInclusive<i64>>>, Error> {
    let mut parts: Vec<Vec<RangeInclusive<i64>>> = Vec::new();
    let (mut found, mut in_range) = (0, false);
    let mut select = connection.prepare_cached(EVENT_TIMES)?;
    let mut rows = select.query([])?;
    while found < limit
        && let Some(row) = rows.next()?
    {
        let (position, emitted_at) = rows::event_time(row);
        if emitted_at < before {
            let part = if found % MAX_PRUNED == 0 { None } else { parts.last_mut() };
            match part {
                Some(ranges) => match ranges.last_mut().filter(|_| in_range) {
                    Some(range) => *range = *range.start()..=position,
                    None => ranges.push(position..=position),
                },
                None => parts.push(vec![position..=position]),
            }
            (found, in_range) = (found + 1, true);
        } else if emitted_at > now {
            // Dated by a clock that was ahead: keep it and go on.
            in_range = false;
        } else {
            break;
        }
    }
    Ok(parts)
}

pub(crate) fn jobs(connection: &Connection, query: &JobQuery) -> Result<JobPage, Error> {
    let names = match &query.name {
        Some(name) => {
            Some(all(connection, NAME_IDS, [name], |row| row.get(0))?.into_iter().collect::<Result<_, _>>()?)
        }
        None => None,
    };
    let Some((sql, parameters)) = job_query::sql(query, names) else {
        return Ok(JobPage::new(Vec::new(), None));
    };
    let mut found = all(connection, &sql, params_from_iter(parameters), rows::job)?;
    // One more than the limit was selected, to know whether there are more.
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(|(token, _)| token.clone());
    Ok(JobPage::new(found.into_iter().map(|(_, job)| job).collect(), next))
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut read: impl FnMut(&Row<'_>) -> T,
) -> Result<Vec<T>, Error> {
    let rows: Result<_, _> =
        connection.prepare_cached(sql)?.query_map(parameters, |row| Ok(read(row)))?.collect();
    Ok(rows?)
}
