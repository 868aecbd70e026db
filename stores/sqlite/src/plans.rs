//! The statements of a job's life find their rows by indexes that hold nothing of the jobs that have ended.

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
fn live_jobs_are_found_by_partial_indexes() {
    for (statement, index) in [
        (sql::UPDATE_DUE, "USING INDEX jobs_due"),
        (sql::SELECT_NEXT_DUE, "USING COVERING INDEX jobs_due"),
        (sql::SELECT_READY, "USING INDEX jobs_live (state=?)"),
        (sql::SELECT_LANE, "USING INDEX jobs_lane (order_key=?)"),
        (sql::UPDATE_LANE, "USING INDEX jobs_lane (order_key=?)"),
        (sql::SELECT_HOLDER, "USING INDEX jobs_idempotency_key (idempotency_key=?)"),
        (queries::LAPSED, "USING INDEX jobs_live (state=?)"),
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
        // `min` reads one end of its index, a claim's names are a list of its own.
        let seeks =
            plan.replace("SEARCH jobs USING COVERING INDEX jobs_due", "").replace("SCAN json_each", "");
        assert!(!seeks.contains("SCAN") && !seeks.contains("TEMP B-TREE"), "{statement}\nis: {plan}");
    }
}
