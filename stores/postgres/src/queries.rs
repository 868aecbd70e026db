//! The reads, and the writes of one statement.

use std::collections::HashMap;

use enact::store::{
    Cursor, EntityKey, JobCount, JobPage, JobQuery, Lease, LiveCount, PageToken, Prune, RunningJob,
    StoredEntity, StoredEvent,
};
use enact::{Attempt, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;

use crate::call::{Call, Session};
use crate::error::Error;
use crate::job_query;
use crate::rows::{self, PruneCandidate, job_columns};
use crate::value::{Text, integer, uuid, uuids};

/// The largest number of jobs or events that one transaction deletes: others wait for it.
pub(crate) const MAX_PRUNED: usize = 500;

/// Entities by their keys, and the number of each key.
const LOAD: &str = "
    SELECT e.id, e.version, e.body, k.number
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (entity, id, number)
    JOIN {schema}.entities AS e ON e.entity = k.entity AND e.id = k.id";

const RENEW: &str = "
    INSERT INTO {schema}.leases (worker, renewals, length) VALUES ($1, $2, $3)
    ON CONFLICT (worker) DO UPDATE SET renewals = excluded.renewals, length = excluded.length";

/// Unless the lease was renewed or the worker has jobs.
const RETIRE: &str = "
    DELETE FROM {schema}.leases WHERE worker = $1 AND renewals = $2
        AND NOT EXISTS (SELECT 1 FROM {schema}.live AS l WHERE l.worker = $1)";

/// One seek finds each worker that has jobs.
const LEASES: &str = "
    WITH RECURSIVE workers AS (
        (SELECT l.worker FROM {schema}.live AS l WHERE l.worker IS NOT NULL ORDER BY l.worker LIMIT 1)
        UNION ALL
        SELECT (SELECT l.worker FROM {schema}.live AS l WHERE l.worker > w.worker ORDER BY l.worker LIMIT 1)
        FROM workers AS w WHERE w.worker IS NOT NULL)
    SELECT worker, renewals, length FROM {schema}.leases
    UNION ALL
    SELECT w.worker, NULL, NULL FROM workers AS w
    WHERE w.worker IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {schema}.leases AS l WHERE l.worker = w.worker)";

const RUNNING: &str = concat!(
    "SELECT ",
    job_columns!(),
    ", l.worker, l.started_at, l.attempts, l.stage
    FROM (SELECT * FROM {schema}.live WHERE worker = $1 ORDER BY seq LIMIT $2) AS l JOIN {schema}.jobs AS j ON j.id = l.id
    ORDER BY l.seq"
);

/// Running jobs whose specs were deleted by hand.
const RUNNING_WITHOUT_SPEC: &str = "
    SELECT l.id, l.worker, l.started_at, l.attempts, l.name, l.stage FROM {schema}.live AS l
    WHERE l.worker = $1 AND NOT EXISTS (SELECT 1 FROM {schema}.job_specs AS s WHERE s.id = l.id) LIMIT $2";

const LAST_TICK: &str = "SELECT name, last_tick, last_job FROM {schema}.schedules WHERE name = $1";

const JOB: &str = concat!("SELECT ", job_columns!(), " FROM {schema}.jobs AS j WHERE j.id = $1");

const STATES: &str = "SELECT j.id, j.state FROM {schema}.jobs AS j WHERE j.id = ANY($1)";

const COUNT_JOBS: &str = "
    SELECT kind, name, state, count(*) FROM {schema}.jobs GROUP BY kind, name, state ORDER BY name, kind, state";

const COUNT_LIVE: &str = "
    SELECT name, count(*) FROM {schema}.live WHERE stage <> 'unreleased' GROUP BY name ORDER BY name";

const ATTEMPTS: &str = "
    SELECT a.job, a.number, a.worker, a.started_at, a.ended_at, a.reached, a.version_read, a.version_written,
        a.strategies, a.events, a.failure, a.late_effects
    FROM {schema}.attempts AS a WHERE a.job = ANY($1)
    UNION ALL
    SELECT l.id, l.attempts, l.worker, l.started_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM {schema}.live AS l WHERE l.id = ANY($1) AND l.stage = 'running'
    ORDER BY 1, 2";

const ENTITIES: &str = "
    SELECT id, version, body FROM {schema}.entities WHERE entity = $1 AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3";

const EVENTS: &str = "
    SELECT position, id, name, payload, correlation, cause, emitted_at FROM {schema}.events
    WHERE position > $1 ORDER BY position LIMIT $2";

/// Only the last position that was assigned, even if its event was pruned or never stored.
const LAST_EVENT: &str = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {schema}.event_position";

/// Does not read `live`: most jobs to keep are recognized without it.
const PRUNE_CANDIDATES: &str = "
    SELECT s.id, s.seq, s.created_at, c.ended_at, a.ended_at, coalesce(a.has_output, false)
    FROM (SELECT id, seq, created_at FROM {schema}.job_specs WHERE seq > $1 ORDER BY seq LIMIT $2) AS s
    LEFT JOIN {schema}.cancelled AS c ON c.job = s.id
    LEFT JOIN LATERAL (
        SELECT b.ended_at, b.output IS NOT NULL AS has_output FROM {schema}.attempts AS b
        WHERE b.job = s.id ORDER BY b.number DESC LIMIT 1) AS a ON true
    ORDER BY s.seq";

const EVENT_TIMES: &str =
    "SELECT position, emitted_at FROM {schema}.events WHERE position > $1 ORDER BY position LIMIT $2";

const DELETE_EVENTS: &str = "
    WITH deleted AS (DELETE FROM {schema}.events WHERE position = ANY($1) RETURNING 1) SELECT count(*) FROM deleted";

/// Loads entities. Returns them in the order of their keys.
pub(crate) async fn load(session: &Session, keys: &[EntityKey]) -> Result<Vec<Option<StoredEntity>>, Error> {
    let (entities, ids): (Vec<_>, Vec<_>) =
        keys.iter().map(|key| (Text::of(key.entity), Text::of_key(&key.id))).unzip();
    let mut found = vec![None; keys.len()];
    for row in &session.run_indexed(Call::new(LOAD).with(entities).with(ids)).await? {
        let number: i64 = row.try_get(3)?;
        let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(found) = found.get_mut(index) {
            *found = Some(rows::entity(row).1);
        }
    }
    Ok(found)
}

pub(crate) async fn renew(session: &Session, lease: &Lease) -> Result<(), Error> {
    let length = integer(lease.length.as_micros());
    let call = Call::new(RENEW).with(Text::of(lease.worker.as_str()));
    session.run(call.with(lease.renewals.cast_signed()).with(length)).await?;
    Ok(())
}

pub(crate) async fn retire(session: &Session, worker: &WorkerId, renewals: u64) -> Result<(), Error> {
    session
        .run_indexed(Call::new(RETIRE).with(Text::of(worker.as_str())).with(renewals.cast_signed()))
        .await?;
    Ok(())
}

pub(crate) async fn leases(session: &Session) -> Result<Vec<Lease>, Error> {
    Ok(session.run_indexed(Call::new(LEASES)).await?.iter().map(rows::lease).collect())
}

pub(crate) async fn running(
    session: &Session,
    worker: &WorkerId,
    limit: usize,
) -> Result<Vec<RunningJob>, Error> {
    let call = |sql| Call::new(sql).with(Text::of(worker.as_str())).with(integer(limit));
    let mut found: Vec<_> = session.run_indexed(call(RUNNING)).await?.iter().map(rows::running_job).collect();
    found.extend(
        session.run_indexed(call(RUNNING_WITHOUT_SPEC)).await?.iter().map(rows::running_without_spec),
    );
    found.truncate(limit);
    Ok(found)
}

pub(crate) async fn last_tick(session: &Session, schedule: &str) -> Result<Option<Timestamp>, Error> {
    let rows = session.run(Call::new(LAST_TICK).with(Text::of(schedule))).await?;
    let position = rows.first().map(rows::schedule_position).transpose()?;
    Ok(position.map(|position| position.tick))
}

pub(crate) async fn job(session: &Session, id: JobId) -> Result<Option<Job>, Error> {
    let rows = session.run_indexed(Call::new(JOB).with(uuid(id))).await?;
    Ok(rows.first().map(|row| rows::job(row).1))
}

pub(crate) async fn states(session: &Session, jobs: &[JobId]) -> Result<Vec<Option<JobState>>, Error> {
    let rows = session.run_indexed(Call::new(STATES).with(uuids(jobs))).await?;
    let states: HashMap<JobId, JobState> = rows.iter().map(rows::state).collect();
    Ok(jobs.iter().map(|id| states.get(id).copied()).collect())
}

pub(crate) async fn count_jobs(session: &Session) -> Result<Vec<JobCount>, Error> {
    Ok(session.run(Call::new(COUNT_JOBS)).await?.iter().map(rows::job_count).collect())
}

pub(crate) async fn count_live(session: &Session) -> Result<Vec<LiveCount>, Error> {
    Ok(session.run(Call::new(COUNT_LIVE)).await?.iter().map(rows::live_count).collect())
}

pub(crate) async fn attempts(session: &Session, jobs: &[JobId]) -> Result<Vec<Vec<Attempt>>, Error> {
    let mut by_job: HashMap<JobId, Vec<Attempt>> = HashMap::new();
    for row in &session.run_indexed(Call::new(ATTEMPTS).with(uuids(jobs))).await? {
        let (job, attempt) = rows::attempt(row);
        by_job.entry(job).or_default().push(attempt);
    }
    // A job may be asked for twice.
    Ok(jobs.iter().map(|id| by_job.get(id).cloned().unwrap_or_default()).collect())
}

pub(crate) async fn entities(
    session: &Session,
    entity: &str,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<(Key, StoredEntity)>, Error> {
    let call = Call::new(ENTITIES).with(Text::of(entity)).with(after.map(Text::of_key)).with(integer(limit));
    Ok(session.run(call).await?.iter().map(rows::entity).collect())
}

pub(crate) async fn events(session: &Session, after: u64, limit: usize) -> Result<Vec<StoredEvent>, Error> {
    let position = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = session.run_indexed(Call::new(EVENTS).with(position).with(integer(limit))).await?;
    if rows.is_empty() && after > 0 {
        let last = session.run(Call::new(LAST_EVENT)).await?;
        let last: i64 = last.first().map_or(Ok(0), |row| row.try_get(0))?;
        let last = last.cast_unsigned();
        if after > last {
            let (cursor, last) = (Cursor::from_number(after), Cursor::from_number(last));
            return Err(Error::CursorAhead { cursor, last });
        }
    }
    Ok(rows.iter().map(rows::event).collect())
}

/// The jobs to prune, and where the next call continues.
pub(crate) struct Prunable {
    pub(crate) jobs: Vec<JobId>,
    pub(crate) next: Option<PageToken>,
}

/// Finds jobs that may be pruned. Whether each may be is decided when it is.
pub(crate) async fn prunable(session: &Session, prune: &Prune) -> Result<Prunable, Error> {
    let mut found = Prunable { jobs: Vec::new(), next: None };
    if prune.horizon().is_none() {
        return Ok(found);
    }
    let mut last = prune.after.as_ref().map_or(i64::MIN, |token| token.number().cast_signed());
    // One more than the limit, to know whether there are more.
    let limit = integer(prune.limit.saturating_add(1));
    let rows = session.run(Call::new(PRUNE_CANDIDATES).with(last).with(limit)).await?;
    for (index, row) in rows.iter().enumerate() {
        let PruneCandidate { id, seq, created_at, end } = rows::prune_candidate(row);
        if prune.ends_at(created_at) {
            break;
        }
        if index == prune.limit {
            found.next = Some(PageToken::from_number(last.cast_unsigned()));
            break;
        }
        if end.is_some_and(|(state, ended_at)| prune.matches(state, ended_at)) {
            found.jobs.push(id);
        }
        last = seq;
    }
    Ok(found)
}

/// Finds the positions of the events to prune.
pub(crate) async fn prunable_events(
    session: &Session,
    before: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<i64>, Error> {
    const PAGE: usize = 1000;
    let (mut found, mut last) = (Vec::new(), i64::MIN);
    while found.len() < limit {
        let page = session.run(Call::new(EVENT_TIMES).with(last).with(integer(PAGE))).await?;
        for row in &page {
            let (position, emitted_at) = rows::event_time(row);
            last = position;
            if emitted_at < before {
                found.push(position);
            } else if emitted_at <= now {
                return Ok(within(found, limit));
            }
            // One that was dated by a clock that was ahead is kept.
        }
        if page.len() < PAGE {
            break;
        }
    }
    Ok(within(found, limit))
}

fn within(mut positions: Vec<i64>, limit: usize) -> Vec<i64> {
    positions.truncate(limit);
    positions
}

/// Deletes events. Returns how many of them were there.
pub(crate) async fn delete_events(session: &Session, positions: &[i64]) -> Result<u64, Error> {
    let call = Call::new(DELETE_EVENTS).with(positions.to_vec());
    let deleted: i64 = session.run(call).await?.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(deleted.cast_unsigned())
}

pub(crate) async fn jobs(session: &Session, query: &JobQuery) -> Result<JobPage, Error> {
    let mut found: Vec<_> = session.run(job_query::call(query)).await?.iter().map(rows::job).collect();
    // One more than the limit was selected, to know whether there are more.
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(|(token, _)| token.clone());
    Ok(JobPage::new(found.into_iter().map(|(_, job)| job).collect(), next))
}
