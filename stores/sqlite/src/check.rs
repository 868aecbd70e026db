//! Whether an open database is whole.

use enact::store::StoreError;
use rusqlite::{Connection, ErrorCode};

use crate::error::Error;
use crate::store::SqliteStore;

/// How many problems are reported, of each kind.
const MAX_PROBLEMS: usize = 100;

/// What holds between the tables. A row of its result is a problem.
const RULES: &[&str] = &[
    "SELECT 'job ' || id || ' is in no state: it has not ended, and no worker can claim it' FROM jobs WHERE state = 'missing'",
    "SELECT 'the job with seq ' || seq || ' is in several of the tables `waiting`, `ready` and `running`' FROM (
         SELECT seq FROM waiting UNION ALL SELECT seq FROM ready UNION ALL SELECT seq FROM running)
     GROUP BY seq HAVING count(*) > 1",
    "SELECT 'the table `' || place || '` has a row of a job that does not exist, with seq ' || seq FROM (
         SELECT 'waiting' AS place, seq FROM waiting UNION ALL SELECT 'ready', seq FROM ready
         UNION ALL SELECT 'running', seq FROM running UNION ALL SELECT 'attempts', seq FROM attempts
         UNION ALL SELECT 'lane_heads', seq FROM lane_heads UNION ALL SELECT 'lane_tails', seq FROM lane_tails)
     WHERE seq NOT IN (SELECT seq FROM job_specs)",
    "SELECT 'job ' || id || ' has a name that is not in the table `names`' FROM job_specs
     WHERE name NOT IN (SELECT id FROM names)",
    "WITH counted (id, name, state, jobs) AS (
         SELECT id, name, 'waiting', waiting FROM names UNION ALL SELECT id, name, 'ready', ready FROM names
         UNION ALL SELECT id, name, 'running', running FROM names UNION ALL SELECT id, name, 'succeeded', succeeded FROM names
         UNION ALL SELECT id, name, 'failed', failed FROM names UNION ALL SELECT id, name, 'cancelled', cancelled FROM names),
     stored (id, state, jobs) AS (
         SELECT names.id, jobs.state, count(*) FROM jobs JOIN names ON names.kind = jobs.kind AND names.name = jobs.name GROUP BY 1, 2)
     SELECT 'the table `names` counts ' || counted.jobs || ' jobs of `' || name || '` that are ' || state || ', and there are '
         || coalesce(stored.jobs, 0)
     FROM counted LEFT JOIN stored USING (id, state) WHERE counted.jobs <> coalesce(stored.jobs, 0)",
];

impl SqliteStore {
    /// Reads the whole database, also while it is in use, and returns the problems that it finds: damaged pages and indexes, and rows that
    /// contradict each other. Empty: it is whole. Rows that are [unreadable](enact::Unreadable) are not looked for; a listing names them.
    ///
    /// It runs on a thread and a connection of its own, which neither writes nor other reads wait for, and takes about as long as reading the
    /// file. Its snapshot keeps the write-ahead log from being cut back until it is done. If the future is dropped, it stops.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let path = self.path.clone();
        self.run_apart("enact-sqlite-check", move |connection| {
            check(connection).map_err(|error| error.to_store_error(&path))
        })
        .await
    }
}

fn check(connection: &Connection) -> Result<Vec<String>, Error> {
    let snapshot = connection.unchecked_transaction()?;
    let mut problems = integrity_problems(&snapshot)?;
    if problems.is_empty() {
        for rule in RULES {
            let mut statement = snapshot.prepare(rule)?;
            let rows = statement.query_map([], |row| row.get(0))?.take(MAX_PROBLEMS);
            for problem in rows {
                problems.push(problem?);
            }
        }
    }
    Ok(problems)
}

/// The damage that SQLite finds.
pub(crate) fn integrity_problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MAX_PROBLEMS})"))?;
    let mut problems = Vec::new();
    for problem in statement.query_map([], |row| row.get::<_, String>(0))? {
        match problem {
            Ok(problem) if problem == "ok" => {}
            Ok(problem) => problems.push(problem),
            // It gives up.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
                problems.push(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(problems)
}
