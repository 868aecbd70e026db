//! The reads.

use std::ops::RangeInclusive;

use enact::store::{
    Cursor, EntityKey, JobCount, JobPage, JobQuery, Lease, PageToken, Prune, RunningJob, StoredEntity,
    StoredEvent,
};
use enact::{Attempt, Job, JobId, JobState, Key, WorkerId};
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Params, Row, params, params_from_iter};

use crate::encode::{IdText, integer, time};
use crate::error::Broken;
use crate::rows::{self, Glance, job_columns};

pub(crate) const LOAD: &str = "SELECT id, version, body FROM entities WHERE entity = ?1 AND id = ?2";

pub(crate) const LEASES: &str = "
    SELECT DISTINCT live.worker, w.renewals, w.length
    FROM running AS live LEFT JOIN workers AS w ON w.id = live.worker";

pub(crate) const RUNNING: &str = concat!(
    "SELECT live.seq, ",
    job_columns!(),
    ", live.worker, live.started_at
    FROM running AS live CROSS JOIN jobs AS j ON j.seq = live.seq WHERE live.worker = ?1 ORDER BY live.seq LIMIT ?2"
);

pub(crate) const JOB: &str = concat!("SELECT j.seq, ", job_columns!(), " FROM jobs AS j WHERE j.id = ?1");

const COUNT_JOBS: &str = "SELECT kind, name, state, count(*) FROM jobs GROUP BY kind, name, state";

pub(crate) const ATTEMPTS: &str = "
    SELECT a.number, a.worker, a.started_at, a.ended_at, a.reached, a.version_read, a.version_written,
        a.strategies, a.events, a.failure
    FROM requests AS r JOIN attempts AS a ON a.job = r.seq WHERE r.id = ?1
    UNION ALL
    SELECT live.attempts, live.worker, live.started_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM requests AS r JOIN running AS live ON live.seq = r.seq WHERE r.id = ?1
    ORDER BY 1";

pub(crate) const ENTITIES: &str = "
    SELECT id, version, body FROM entities WHERE entity = ?1 ORDER BY id LIMIT ?2";

pub(crate) const ENTITIES_AFTER: &str = "
    SELECT id, version, body FROM entities WHERE entity = ?1 AND id > ?3 ORDER BY id LIMIT ?2";

pub(crate) const EVENTS: &str = "
    SELECT position, id, name, payload, correlation, cause, emitted_at FROM events
    WHERE position > ?1 ORDER BY position LIMIT ?2";

/// Where jobs stand that have not ended is not looked at: of those that are to be kept most can be told without.
pub(crate) const PRUNABLE: &str = "
    SELECT r.seq, r.created_at, c.ended_at, a.ended_at, a.output IS NOT NULL
    FROM requests AS r
    LEFT JOIN cancelled AS c ON c.seq = r.seq
    LEFT JOIN attempts AS a ON a.job = r.seq AND a.number = (SELECT max(b.number) FROM attempts AS b WHERE b.job = r.seq)
    WHERE r.seq > ?1 ORDER BY r.seq LIMIT ?2";

/// Whether a job has ended, and nobody waits for it.
pub(crate) const IS_OVER: &str = "
    SELECT 1 FROM jobs AS j WHERE j.seq = ?1 AND j.ended_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM predecessors WHERE predecessor = ?1)";

pub(crate) const EMISSIONS: &str = "SELECT position, emitted_at FROM events ORDER BY position";

pub(crate) fn load(connection: &Connection, key: &EntityKey) -> Result<Option<StoredEntity>, Broken> {
    let mut select = connection.prepare_cached(LOAD)?;
    let mut rows = select.query(params![key.entity, key.id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    rows::entity(key.entity, row).map(|(_, entity)| Some(entity))
}

pub(crate) fn leases(connection: &Connection) -> Result<Vec<Lease>, Broken> {
    all(connection, LEASES, [], rows::lease)
}

pub(crate) fn running(
    connection: &Connection,
    worker: &WorkerId,
    limit: usize,
) -> Result<Vec<RunningJob>, Broken> {
    all(connection, RUNNING, params![worker.as_str(), integer(limit)], rows::running_job)
}

pub(crate) fn job(connection: &Connection, id: JobId) -> Result<Option<Job>, Broken> {
    let mut select = connection.prepare_cached(JOB)?;
    let mut rows = select.query([IdText::from(id)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    rows::job(row).map(|(_, job)| Some(job))
}

pub(crate) fn count_jobs(connection: &Connection) -> Result<Vec<JobCount>, Broken> {
    all(connection, COUNT_JOBS, [], rows::job_count)
}

pub(crate) fn attempts(connection: &Connection, id: JobId) -> Result<Vec<Attempt>, Broken> {
    all(connection, ATTEMPTS, [IdText::from(id)], rows::attempt)
}

pub(crate) fn entities(
    connection: &Connection,
    entity: &str,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<(Key, StoredEntity)>, Broken> {
    let read = |row: &Row<'_>| rows::entity(entity, row);
    match after {
        None => all(connection, ENTITIES, params![entity, integer(limit)], read),
        Some(after) => all(connection, ENTITIES_AFTER, params![entity, integer(limit), after.as_str()], read),
    }
}

pub(crate) fn events(
    connection: &Connection,
    after: Cursor,
    limit: usize,
) -> Result<Vec<StoredEvent>, Broken> {
    all(connection, EVENTS, params![integer(after.as_u64()), integer(limit)], rows::event)
}

/// What a call of `prune` is to delete of the jobs that it looks at, and where the next one is to look on.
pub(crate) struct Prunable {
    pub(crate) doomed: Vec<i64>,
    pub(crate) next: Option<PageToken>,
}

/// The first half of `prune`, for which nobody has to wait.
pub(crate) fn prunable(connection: &Connection, prune: &Prune) -> Result<Prunable, Broken> {
    let mut found = Prunable { doomed: Vec::new(), next: None };
    if prune.horizon().is_none() {
        return Ok(found);
    }
    let mut is_over = connection.prepare_cached(IS_OVER)?;
    let mut looked_at = prune.after.map_or(0, |place| integer(place.as_u64()));
    // One more than is to be looked at is found, to know whether there are more.
    let limit = integer(prune.limit.saturating_add(1));
    let mut select = connection.prepare_cached(PRUNABLE)?;
    for (index, row) in select.query_and_then([looked_at, limit], rows::glance)?.enumerate() {
        let Glance { seq, created_at, end } = row?;
        if prune.ends_at(created_at) {
            break;
        }
        if index == prune.limit {
            found.next = Some(PageToken::from_u64(looked_at.unsigned_abs()));
            break;
        }
        if end.is_some_and(|(state, ended_at)| prune.names(state, ended_at)) && is_over.exists([seq])? {
            found.doomed.push(seq);
        }
        looked_at = seq;
    }
    Ok(found)
}

/// The first half of `prune_events`: the places of those to be deleted. Only events that are kept stand between two runs.
pub(crate) fn prunable_events(
    connection: &Connection,
    before: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<RangeInclusive<i64>>, Broken> {
    let mut runs: Vec<RangeInclusive<i64>> = Vec::new();
    let (mut doomed, mut goes_on) = (0, false);
    let mut select = connection.prepare_cached(EMISSIONS)?;
    let mut rows = select.query([])?;
    while doomed < limit
        && let Some(row) = rows.next()?
    {
        let (position, emitted_at) = rows::emission(row)?;
        if emitted_at < before {
            match runs.last_mut().filter(|_| goes_on) {
                Some(run) => *run = *run.start()..=position,
                None => runs.push(position..=position),
            }
            (doomed, goes_on) = (doomed + 1, true);
        } else if emitted_at > now {
            goes_on = false;
        } else {
            break;
        }
    }
    Ok(runs)
}

pub(crate) fn jobs(connection: &Connection, query: &JobQuery) -> Result<JobPage, Broken> {
    let (sql, parameters) = jobs_sql(query);
    let mut found = all(connection, &sql, params_from_iter(parameters), rows::job)?;
    // One more than asked for was looked for, to know whether there are more.
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(|(place, _)| *place);
    Ok(JobPage { jobs: found.into_iter().map(|(_, job)| job).collect(), next })
}

/// The jobs that have failed, as if they stood in a table of their own.
const FAILED: &str = "(SELECT job AS seq, number FROM attempts WHERE output IS NULL) AS live
    CROSS JOIN jobs AS j ON j.seq = live.seq AND j.attempts = live.number AND j.state = 'failed'";

pub(crate) fn jobs_sql(query: &JobQuery) -> (String, Vec<Value>) {
    let mut conditions: Vec<String> = Vec::new();
    let mut parameters: Vec<Value> = Vec::new();
    let mut given = |condition: &str, parameter: Option<Value>| {
        if let Some(parameter) = parameter {
            parameters.push(parameter);
            conditions.push(format!("{condition} ?{}", parameters.len()));
        }
    };
    let moment = |at: Timestamp| Value::Integer(time(at));

    given("j.name =", query.name.clone().map(Value::Text));
    // Those that have failed are few among all, and may be many beside those of one matter.
    let has_table = |state: &JobState| match state {
        JobState::Succeeded => false,
        JobState::Failed => query.correlation.is_none(),
        _ => true,
    };
    let is_in_tables = !query.states.is_empty() && query.states.iter().all(has_table);
    // Of what stands in a table of its state there is little, of a matter there may be much: where both are asked for, the `+`
    // keeps SQLite from going through all of the matter.
    let of_matter = if is_in_tables { "+j.correlation =" } else { "j.correlation =" };
    given(of_matter, query.correlation.as_ref().map(|id| Value::Text(id.as_str().to_owned())));
    given("j.created_at >=", query.created_from.map(moment));
    given("j.created_at <", query.created_before.map(moment));
    let place = if is_in_tables { "live.seq" } else { "j.seq" };
    let (behind, direction) = if query.latest_first { ('<', "DESC") } else { ('>', "ASC") };
    let token = |token: PageToken| Value::Integer(integer(token.as_u64()));
    given(&format!("{place} {behind}"), query.after.map(token));
    parameters.push(Value::Integer(integer(query.limit.saturating_add(1))));
    let limit = parameters.len();

    if !query.states.is_empty() && !is_in_tables {
        let states: Vec<String> = query.states.iter().map(|state| format!("'{state}'")).collect();
        conditions.push(format!("j.state IN ({})", states.join(", ")));
    }
    let conditions = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
    let columns = job_columns!();
    if !is_in_tables {
        let sql = format!(
            "SELECT j.seq, {columns} FROM jobs AS j WHERE {conditions} ORDER BY j.seq {direction} LIMIT ?{limit}"
        );
        return (sql, parameters);
    }
    // What has not ended, or was cancelled, is found in the table of its state, which has the state's name, and what has failed by
    // its last attempt, however much there is of the rest: first the places of a page, then what is to be known of them.
    let requests =
        if conditions.contains("j.") { " CROSS JOIN requests AS j ON j.seq = live.seq" } else { "" };
    let of_state = |state: &JobState| match state {
        JobState::Failed => format!("SELECT live.seq FROM {FAILED} WHERE {conditions}"),
        _ => format!("SELECT live.seq FROM {state} AS live{requests} WHERE {conditions}"),
    };
    let tables = JobState::ALL.iter().filter(|state| query.states.contains(state));
    let places = tables.map(of_state).collect::<Vec<_>>().join(" UNION ALL ");
    let sql = format!(
        "SELECT j.seq, {columns}
        FROM ({places} ORDER BY 1 {direction} LIMIT ?{limit}) AS page CROSS JOIN jobs AS j ON j.seq = page.seq
        ORDER BY page.seq {direction}"
    );
    (sql, parameters)
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, Broken>,
) -> Result<Vec<T>, Broken> {
    connection.prepare_cached(sql)?.query_and_then(parameters, read)?.collect()
}
