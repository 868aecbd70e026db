//! The statements of a job's life find their rows among those of the jobs that have not ended.

use enact::store::{JobQuery, PageToken};
use enact::{CorrelationId, JobState};
use rusqlite::Connection;

use crate::operation::sql;
use crate::{queries, schema};

fn plan(statement: &str) -> String {
    let connection = Connection::open_in_memory().expect("SQLite opens");
    schema::migrate(&connection).expect("the schema is made");
    let mut explain =
        connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).expect("it is a statement");
    // Parameters that are not bound are NULL.
    let details: Vec<String> =
        explain.raw_query().mapped(|row| row.get("detail")).collect::<Result<_, _>>().expect("it has a plan");
    details.join("; ")
}

#[test]
fn live_jobs_are_found_among_themselves() {
    for (statement, index) in [
        (sql::INSERT_DUE, "w USING INDEX waiting_due (due_at>? AND due_at<?)"),
        (sql::DELETE_DUE, "USING INDEX waiting_due (due_at>? AND due_at<?)"),
        (sql::SELECT_NEXT_DUE, "USING COVERING INDEX waiting_due"),
        (sql::SELECT_READY, "SCAN ready"),
        (sql::SELECT_REQUEST, "requests USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::DELETE_READY, "ready USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::SELECT_LANE, "lanes USING PRIMARY KEY (order_key=?)"),
        (sql::SELECT_HEAD, "lanes USING PRIMARY KEY (order_key=?)"),
        (sql::INSERT_HEAD, "w USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::SELECT_FENCED, "running USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::SELECT_SEQ, "USING COVERING INDEX sqlite_autoindex_requests_1 (id=?)"),
        (sql::SELECT_HOLDER, "USING INDEX requests_idempotency_key (idempotency_key=?)"),
        (queries::LAPSED, "SCAN live"),
    ] {
        let plan = plan(statement);
        assert!(plan.contains(index), "{statement}\nis not {index}, but: {plan}");
    }
}

#[test]
fn no_statement_of_a_jobs_life_scans_a_table_or_sorts() {
    let reads = [
        queries::LOAD,
        queries::LAPSED,
        queries::JOB,
        queries::ENTITIES,
        queries::ENTITIES_AFTER,
        queries::EVENTS,
    ];
    for statement in sql::ALL.iter().chain(&reads) {
        let plan = plan(statement);
        // A claim goes through what is ready up to its limit, and past other programs' jobs; its names are a list of its own.
        // Who looks for what was lost goes through what is running.
        let seeks = plan.replace("SCAN live", "").replace("SCAN ready", "").replace("SCAN json_each", "");
        assert!(!seeks.contains("SCAN") && !seeks.contains("TEMP B-TREE"), "{statement}\nis: {plan}");
    }
}

#[test]
fn a_page_of_jobs_costs_what_is_on_it() {
    let by_state = |states: &[JobState]| JobQuery { states: states.to_vec(), ..JobQuery::default() };
    let of_matter = JobQuery { correlation: Some(CorrelationId::new("m")), ..JobQuery::default() };
    for (query, way) in [
        (JobQuery::default(), "SEARCH r USING INTEGER PRIMARY KEY (rowid>?)"),
        (
            JobQuery { latest_first: true, ..JobQuery::default() },
            "SEARCH r USING INTEGER PRIMARY KEY (rowid<?)",
        ),
        (of_matter, "SEARCH r USING INDEX requests_correlation (correlation=?"),
        (by_state(&[JobState::Running]), "SEARCH live USING INTEGER PRIMARY KEY (rowid>?)"),
        (
            by_state(&[JobState::Waiting, JobState::Ready]),
            "MERGE (UNION ALL); LEFT; SEARCH live USING INTEGER PRIMARY KEY (rowid>?)",
        ),
        (by_state(&[JobState::Failed]), "SEARCH r USING INTEGER PRIMARY KEY (rowid>?)"),
    ] {
        // The first page, and one behind some place.
        let first = plan(&queries::jobs_sql(&query).0);
        assert!(!first.contains("TEMP B-TREE"), "{query:?} is: {first}");
        let (sql, _) = queries::jobs_sql(&JobQuery { after: Some(PageToken::from_u64(7)), ..query });
        let plan = plan(&sql);
        assert!(
            plan.starts_with(way) && !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{sql}\nis not {way}, but: {plan}"
        );
    }
}
