//! The statements of a job's life find their rows in the queue, which holds nothing of the jobs that have ended.

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
fn live_jobs_are_found_in_the_queue() {
    for (statement, index) in [
        (sql::UPDATE_DUE, "USING INDEX queue_due"),
        (sql::SELECT_NEXT_DUE, "USING COVERING INDEX queue_due"),
        (sql::SELECT_READY, "q USING PRIMARY KEY (state=?)"),
        (sql::SELECT_LANE, "USING COVERING INDEX queue_lane (order_key=?)"),
        (sql::UPDATE_LANE, "USING COVERING INDEX queue_lane (order_key=?)"),
        (sql::SELECT_FENCED, "q USING PRIMARY KEY (state=? AND seq=?)"),
        (sql::SELECT_HOLDER, "USING INDEX requests_idempotency_key (idempotency_key=?)"),
        (queries::LAPSED, "q USING PRIMARY KEY (state=?)"),
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
            plan.replace("SEARCH queue USING COVERING INDEX queue_due", "").replace("SCAN json_each", "");
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
        (by_state(&[JobState::Running]), "SEARCH q USING PRIMARY KEY (state=?"),
        (by_state(&[JobState::Waiting, JobState::Ready]), "SEARCH q USING PRIMARY KEY (state=?"),
        (by_state(&[JobState::Failed]), "SEARCH r USING INTEGER PRIMARY KEY (rowid>?)"),
    ] {
        // Behind some place, as all pages but the first are.
        let (sql, _) = queries::jobs_sql(&JobQuery { after: Some(PageToken::from_u64(7)), ..query });
        let plan = plan(&sql);
        assert!(plan.starts_with(way) && !plan.contains("SCAN"), "{sql}\nis not {way}, but: {plan}");
    }
}
