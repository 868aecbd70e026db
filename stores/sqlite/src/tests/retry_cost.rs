//! The cost of retrying many jobs of one lane.

use std::error::Error;

use rusqlite::{Connection, StatementStatus};

use crate::operation::Operation;
use crate::operations::RetryJobs;
use crate::schema;
use crate::statements::Statements;
use crate::write_cache::WriteCache;

/// The steps of SQLite's virtual machine that it takes to find the head and the next job, while the failed jobs of one lane
/// are retried of which a later job is running.
fn steps_of_retrying(jobs: u32) -> Result<i32, Box<dyn Error>> {
    let connection = Connection::open_in_memory()?;
    schema::migrate(&connection).map_err(|error| format!("{error:?}"))?;
    connection.execute_batch(&format!(
        "INSERT INTO names (id, kind, name) VALUES (1, 'command', 'ship');
        WITH RECURSIVE numbers (seq) AS (VALUES (1) UNION ALL SELECT seq + 1 FROM numbers WHERE seq <= {jobs})
        INSERT INTO job_specs (seq, id, name, created_at, order_key, correlation, payload, priority, depth)
        SELECT seq, format('00000000-0000-7000-8000-%012d', seq), 1, 0, 'x', 'm', '1', 0, 0 FROM numbers;
        INSERT INTO attempts (seq, number, worker, started_at, ended_at, failure)
        SELECT seq, 1, 'w', 0, 0, '{{}}' FROM job_specs WHERE seq <= {jobs};
        INSERT INTO running (seq, attempts, spent, worker, started_at, name, order_key, begun, cancelled)
        SELECT seq, 1, 0, 'w', 0, name, order_key, 1, 0 FROM job_specs WHERE seq > {jobs};
        INSERT INTO lane_heads (order_key, seq) SELECT order_key, seq FROM running;"
    ))?;
    let ids = (1..=jobs).map(|seq| format!("00000000-0000-7000-8000-{seq:012}").parse());
    let retry = RetryJobs(ids.collect::<Result<_, _>>()?);
    let cache = WriteCache::new();
    let mut statements = Statements::prepare(&connection, &cache)?;
    retry.run(&mut statements).map_err(|error| format!("{error:?}"))?;

    let blocked: u32 =
        connection.query_row("SELECT count(*) FROM waiting WHERE blocked_in_lane", [], |row| row.get(0))?;
    assert_eq!(blocked, jobs);
    let live = &statements.live;
    let lanes = &live.lanes;
    let searches = [&live.sql.select_state, &lanes.select_head, &lanes.select_next, &lanes.insert_head];
    Ok(searches.into_iter().map(|statement| statement.get_status(StatementStatus::VmStep)).sum())
}

#[test]
fn retrying_all_jobs_of_a_lane_costs_the_same_for_each() -> Result<(), Box<dyn Error>> {
    let [few, many] = [steps_of_retrying(1_000)?, steps_of_retrying(2_000)?];
    assert!(many <= 2 * few, "{few} steps for a thousand, {many} for two thousand");
    Ok(())
}
