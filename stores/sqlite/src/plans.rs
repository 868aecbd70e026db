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
        (sql::INSERT_DUE, "waiting USING INDEX waiting_due (due_at>? AND due_at<?)"),
        (sql::DELETE_DUE, "USING INDEX waiting_due (due_at>? AND due_at<?)"),
        (sql::SELECT_NEXT_DUE, "USING INDEX waiting_due (due_at>?)"),
        (sql::SELECT_NEXT_NAME, "ready USING PRIMARY KEY (name>?)"),
        (sql::SELECT_READY, "ready USING PRIMARY KEY (name=?)"),
        (sql::SELECT_REQUEST, "requests USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::DELETE_READY, "ready USING PRIMARY KEY (name=? AND rank=? AND seq=?)"),
        (sql::UPDATE_TURN, "turns USING PRIMARY KEY (order_key=?)"),
        (sql::SELECT_HEAD, "lanes USING PRIMARY KEY (order_key=?)"),
        (sql::SELECT_TURN, "t USING PRIMARY KEY (order_key=?)"),
        (sql::INSERT_FREED, "w USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::SELECT_SUCCESSORS, "predecessors USING PRIMARY KEY (predecessor=?)"),
        (sql::DELETE_PREDECESSORS, "predecessors USING PRIMARY KEY (predecessor=? AND seq=?)"),
        (sql::SELECT_FENCED, "running USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::SELECT_SEQ, "USING COVERING INDEX sqlite_autoindex_requests_1 (id=?)"),
        (sql::SELECT_HOLDER, "USING INDEX requests_idempotency_key (idempotency_key=?)"),
        (sql::SELECT_STANDING, "ready USING PRIMARY KEY (name=? AND rank=? AND seq=?)"),
        (sql::SELECT_END, "r USING INTEGER PRIMARY KEY (rowid=?)"),
        (sql::DELETE_EVENTS, "events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ] {
        let plan = plan(statement);
        assert!(plan.contains(index), "{statement}\nis not {index}, but: {plan}");
    }
}

#[test]
fn no_statement_of_a_jobs_life_scans_a_table_or_sorts() {
    let reads = [
        queries::LOAD,
        queries::RUNNING,
        queries::JOB,
        queries::ENTITIES,
        queries::ENTITIES_AFTER,
        queries::EVENTS,
        queries::PRUNABLE,
        queries::IS_OVER,
    ];
    for statement in sql::ALL.iter().chain(&reads) {
        let plan = plan(statement);
        // Who looks for what was lost goes through what is running, who wakes through what was found to be due, and what a job
        // comes after is a list of its own.
        let seeks = plan
            .replace("SCAN live", "")
            .replace("SCAN w", "")
            .replace("SCAN j VIRTUAL TABLE", "")
            .replace("SCAN CONSTANT ROW", "");
        // The first place of an index is where a scan of it ends.
        let seeks = if statement.contains("LIMIT 1") { seeks.replace("SCAN ready", "") } else { seeks };
        assert!(!seeks.contains("SCAN") && !seeks.contains("TEMP B-TREE"), "{statement}\nis: {plan}");
    }
}

/// Whether a job is to be kept is told by its request and its end: not by its payload, nor by the tables of those that have not ended.
#[test]
fn what_is_kept_is_passed_by_at_a_glance() {
    let plan = plan(queries::PRUNABLE);
    let ways = [
        "SEARCH r USING INTEGER PRIMARY KEY (rowid>?)",
        "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH a USING PRIMARY KEY (job=? AND number=?)",
        "SEARCH b USING PRIMARY KEY (job=?)",
    ];
    assert!(
        ways.iter().all(|way| plan.contains(way)) && plan.matches("SEARCH").count() == ways.len(),
        "it is: {plan}"
    );
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
        (of_matter.clone(), "SEARCH r USING INDEX requests_correlation (correlation=?"),
        (
            by_state(&[JobState::Running]),
            "CO-ROUTINE page; SEARCH live USING INTEGER PRIMARY KEY (rowid>?); SCAN page; SEARCH r ",
        ),
        (
            by_state(&[JobState::Waiting, JobState::Cancelled]),
            "CO-ROUTINE page; MERGE (UNION ALL); LEFT; SEARCH live USING INTEGER PRIMARY KEY (rowid>?)",
        ),
        (by_state(&[JobState::Succeeded]), "SEARCH r USING INTEGER PRIMARY KEY (rowid>?)"),
        (
            by_state(&[JobState::Failed]),
            "CO-ROUTINE page; SEARCH attempts USING INDEX attempts_failed (job>?); SEARCH r ",
        ),
        (
            JobQuery { name: Some("ship".to_owned()), latest_first: true, ..by_state(&[JobState::Failed]) },
            "CO-ROUTINE page; SEARCH attempts USING INDEX attempts_failed (job<?); SEARCH r ",
        ),
        (
            by_state(&[JobState::Failed, JobState::Cancelled]),
            "CO-ROUTINE page; MERGE (UNION ALL); LEFT; SEARCH attempts USING INDEX attempts_failed (job>?)",
        ),
        (
            JobQuery { states: vec![JobState::Failed], ..of_matter },
            "SEARCH r USING INDEX requests_correlation (correlation=?",
        ),
    ] {
        // The first page, and one behind some place.
        let first = plan(&queries::jobs_sql(&query).0);
        assert!(!first.contains("TEMP B-TREE"), "{query:?} is: {first}");
        let (sql, _) = queries::jobs_sql(&JobQuery { after: Some(PageToken::from_u64(7)), ..query });
        let plan = plan(&sql);
        let seeks = plan.replace("SCAN page", "");
        assert!(
            plan.starts_with(way) && !seeks.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{sql}\nis not {way}, but: {plan}"
        );
    }
}

/// They are kept in the order in which they are claimed: for a page in the order of record their places are sorted, and no more
/// of them than that.
#[test]
fn a_page_of_ready_jobs_costs_a_look_at_the_places_of_all_that_are_ready() {
    let ready = JobQuery { states: vec![JobState::Ready], ..JobQuery::default() };
    let plan = plan(&queries::jobs_sql(&ready).0);
    let way = "CO-ROUTINE page; SCAN live; USE TEMP B-TREE FOR ORDER BY; SCAN page; SEARCH r USING INTEGER PRIMARY KEY";
    assert!(plan.starts_with(way), "it is: {plan}");
}
