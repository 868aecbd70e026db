//! The statements find their rows by index, among the jobs that have not ended.

use enact::store::{JobQuery, PageToken};
use enact::{CorrelationId, JobState};
use rusqlite::Connection;

use crate::statements::all_sql;
use crate::statements::names::NameId;
use crate::{job_query, queries, schema};

/// The SQL of a prepared statement.
fn sql(name: &str) -> &'static str {
    let found = all_sql().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("no statement is called {name}")).1
}

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
fn statements_use_their_indexes() {
    for (name, index) in [
        ("insert_due", "waiting USING INDEX waiting_due (due_at>? AND due_at<?)"),
        ("delete_due", "USING INDEX waiting_due (due_at>? AND due_at<?)"),
        ("select_next_due", "USING INDEX waiting_due (due_at>?)"),
        ("select_next_name", "ready USING PRIMARY KEY (in_line=? AND name>?)"),
        ("select_ready", "ready USING PRIMARY KEY (in_line=? AND name=?)"),
        (
            "select_spec",
            "s USING INTEGER PRIMARY KEY (rowid=?); SEARCH n USING INTEGER PRIMARY KEY (rowid=?)",
        ),
        ("delete_claimed", "ready USING PRIMARY KEY (in_line=? AND name=? AND priority=? AND seq=?)"),
        ("delete_ready", "ready USING PRIMARY KEY (in_line=? AND name=? AND priority=? AND seq=?)"),
        ("put_in_line", "ready USING PRIMARY KEY (in_line=? AND name=? AND priority=? AND seq=?)"),
        ("promote", "ready USING PRIMARY KEY (in_line=? AND name=? AND priority=? AND seq=?)"),
        ("select_next_in_line", "ready USING COVERING INDEX ready_lines (entity=? AND in_line=? AND name>?)"),
        (
            "select_first_of_name",
            "ready USING COVERING INDEX ready_lines (entity=? AND in_line=? AND name=?)",
        ),
        ("select_line_of_name", "ready USING INDEX ready_lines (entity=? AND in_line=? AND name=?)"),
        ("select_turn", "running USING COVERING INDEX running_turns (entity=?)"),
        ("select_promoted", "ready USING COVERING INDEX ready_lines (entity=? AND in_line=? AND name=?)"),
        ("select_holder", "running USING COVERING INDEX running_turns (entity=?)"),
        ("select_any", "ready USING PRIMARY KEY (in_line=?)"),
        ("begin_held", "running USING INTEGER PRIMARY KEY (rowid=?)"),
        ("hold", "running USING INTEGER PRIMARY KEY (rowid=?)"),
        ("release", "running USING INTEGER PRIMARY KEY (rowid=?)"),
        ("select_held", "running USING INTEGER PRIMARY KEY (rowid=?)"),
        ("select_unblocked", "waiting USING INTEGER PRIMARY KEY (rowid=?)"),
        ("select_running", "running USING INTEGER PRIMARY KEY (rowid=?)"),
        ("update_head", "lane_heads USING PRIMARY KEY (order_key=?)"),
        ("select_next", "lane_tails USING PRIMARY KEY (order_key=?)"),
        ("select_head", "h USING PRIMARY KEY (order_key=?)"),
        ("insert_unblocked", "w USING INTEGER PRIMARY KEY (rowid=?)"),
        ("select_successors", "predecessors USING PRIMARY KEY (predecessor=?)"),
        ("delete_predecessors", "predecessors USING PRIMARY KEY (predecessor=? AND seq=?)"),
        ("select_fenced", "running USING INTEGER PRIMARY KEY (rowid=?)"),
        ("select_seq", "USING COVERING INDEX sqlite_autoindex_job_specs_1 (id=?)"),
        ("select_key_holder", "s USING INTEGER PRIMARY KEY (rowid=?)"),
        ("select_key_holder", "USING COVERING INDEX job_specs_idempotency_key (idempotency_key=?)"),
        ("select_state", "ready USING PRIMARY KEY (in_line=? AND name=? AND priority=? AND seq=?)"),
        ("select_end", "s USING INTEGER PRIMARY KEY (rowid=?)"),
        ("delete_events", "events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ] {
        let plan = plan(sql(name));
        assert!(plan.contains(index), "{name}\ndoes not use {index}: {plan}");
    }
}

#[test]
fn no_statement_scans_a_table_or_sorts() {
    let reads = [
        queries::LOAD,
        queries::LAST_TICK,
        queries::RUNNING,
        queries::RUNNING_WITHOUT_SPEC,
        queries::JOB,
        queries::STATE,
        queries::ENTITIES,
        queries::ENTITIES_AFTER,
        queries::EVENTS,
        queries::LAST_EVENT,
        queries::PRUNE_CANDIDATES,
        queries::IS_PRUNABLE,
    ];
    // For files that were edited by hand.
    let repairs = ["recount", "select_lane_of_head"];
    let writes = all_sql().filter(|(name, _)| !repairs.contains(name)).map(|(_, sql)| sql);
    for statement in writes.chain(reads) {
        let plan = plan(statement);
        // Allowed: all running jobs (to find leases), the due jobs that were just selected, and a job's list of predecessors.
        let seeks = plan
            .replace("SCAN live", "")
            .replace("SCAN w", "")
            .replace("SCAN j VIRTUAL TABLE", "")
            .replace("SCAN CONSTANT ROW", "");
        // A scan with `LIMIT 1` ends at the first entry of the index.
        let seeks = if statement.contains("LIMIT 1") {
            seeks.replace("SCAN ready", "").replace("SCAN predecessors", "")
        } else {
            seeks
        };
        assert!(!seeks.contains("SCAN") && !seeks.contains("TEMP B-TREE"), "{statement}\nis: {plan}");
    }
}

/// A statement that returns what it writes, or reads the table that it writes, opens a table in memory each time. That costs more than
/// most statements.
#[test]
fn no_statement_of_a_job_opens_a_table_in_memory() {
    // What runs for a few jobs, or once for many.
    let rare = [
        "select_state",
        "delete_waiting",
        "delete_ready",
        "hold",
        "release",
        "unblock_in_lane",
        "decrement_pending",
        "delete_predecessors",
        "insert_due",
        "delete_due",
        "repair_name",
        "select_end",
        "delete_spec",
        "recount",
    ];
    let connection = Connection::open_in_memory().expect("SQLite opens");
    schema::migrate(&connection).expect("the schema is made");
    let opens_table = |sql: &str| {
        let mut explain = connection.prepare(&format!("EXPLAIN {sql}")).expect("it is a statement");
        let mut opcodes = explain.raw_query().mapped(|row| row.get::<_, String>("opcode"));
        opcodes.any(|opcode| opcode.expect("it has an opcode") == "OpenEphemeral")
    };
    let found: Vec<_> = all_sql().filter(|(_, sql)| opens_table(sql)).map(|(name, _)| name).collect();
    assert_eq!(found, rare);
}

/// Neither payloads nor the tables of jobs that have not ended.
#[test]
fn the_search_for_jobs_to_prune_reads_specs_and_ends_only() {
    let plan = plan(queries::PRUNE_CANDIDATES);
    let searches = [
        "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)",
        "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH a USING PRIMARY KEY (seq=? AND number=?)",
        "SEARCH b USING PRIMARY KEY (seq=?)",
    ];
    assert!(
        searches.iter().all(|search| plan.contains(search))
            && plan.matches("SEARCH").count() == searches.len(),
        "it is: {plan}"
    );
}

#[test]
fn a_page_of_jobs_reads_that_page_only() {
    let by_state = |states: &[JobState]| states.iter().copied().fold(JobQuery::new(), JobQuery::state);
    let of_correlation = JobQuery::new().correlation(CorrelationId::new("m"));
    for (query, start) in [
        (JobQuery::new(), "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)"),
        (JobQuery::new().latest_first(), "SEARCH s USING INTEGER PRIMARY KEY (rowid<?)"),
        (
            of_correlation.clone(),
            "CO-ROUTINE page; MERGE (UNION ALL); LEFT; SEARCH live USING INDEX job_specs_correlation (correlation=?",
        ),
        (
            by_state(&[JobState::Running]),
            "CO-ROUTINE page; SEARCH live USING INTEGER PRIMARY KEY (rowid>?); SCAN page; SEARCH s ",
        ),
        (
            by_state(&[JobState::Waiting, JobState::Cancelled]),
            "CO-ROUTINE page; MERGE (UNION ALL); LEFT; SEARCH live USING INTEGER PRIMARY KEY (rowid>?)",
        ),
        (by_state(&[JobState::Succeeded]), "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)"),
        (
            by_state(&[JobState::Failed]),
            "CO-ROUTINE page; SEARCH attempts USING INDEX attempts_failed (seq>?); SEARCH j ",
        ),
        (
            by_state(&[JobState::Failed]).name("ship").latest_first(),
            "CO-ROUTINE page; SEARCH attempts USING INDEX attempts_failed (seq<?); SEARCH j ",
        ),
        (
            JobQuery::new().name("ship"),
            "CO-ROUTINE page; SEARCH live USING COVERING INDEX job_specs_name (name=? AND rowid>?); SCAN page; SEARCH s ",
        ),
        (
            by_state(&[JobState::Waiting]).name("ship"),
            "CO-ROUTINE page; SEARCH live USING INTEGER PRIMARY KEY (rowid>?); SCAN page; SEARCH s ",
        ),
        (
            by_state(&[JobState::Failed, JobState::Cancelled]),
            "CO-ROUTINE page; MERGE (UNION ALL); LEFT; SEARCH attempts USING INDEX attempts_failed (seq>?)",
        ),
        (
            of_correlation.state(JobState::Failed),
            "CO-ROUTINE page; MERGE (UNION ALL); LEFT; SEARCH live USING INDEX job_specs_correlation (correlation=?",
        ),
    ] {
        // The first page and a later one.
        let names = query.name.is_some().then(|| vec![NameId::from(1)]);
        let sql = |query: &JobQuery| job_query::sql(query, names.clone()).expect("the name has jobs").0;
        let first = plan(&sql(&query));
        assert!(!sorts_more_than_a_page(&first), "{query:?} is: {first}");
        let sql = sql(&query.page(PageToken::from_number(7)));
        let plan = plan(&sql);
        let seeks = plan.replace("SCAN page", "");
        assert!(
            plan.starts_with(start) && !seeks.contains("SCAN") && !sorts_more_than_a_page(&plan),
            "{sql}\ndoes not start with {start}: {plan}"
        );
    }
}

/// Before 3.48 SQLite sorts the rows of some pages once more, at the end of the plan.
fn sorts_more_than_a_page(plan: &str) -> bool {
    let is_old = rusqlite::version_number() < 3_048_000;
    let before = plan
        .strip_suffix("; USE TEMP B-TREE FOR ORDER BY")
        .filter(|plan| is_old && plan.contains("SCAN page"));
    before.unwrap_or(plan).contains("TEMP B-TREE")
}

/// `ready` is in the order of claims, so the sequence numbers of all ready jobs are sorted for a page, but nothing else is read than the
/// jobs that workers run or hold.
#[test]
fn a_page_of_ready_jobs_sorts_their_sequence_numbers() {
    let ready = JobQuery::new().state(JobState::Ready);
    let plan = plan(&job_query::sql(&ready, None).expect("it has no name").0);
    let start = "CO-ROUTINE page; MERGE (UNION ALL); LEFT; SEARCH live USING PRIMARY KEY (in_line=?); USE TEMP B-TREE FOR ORDER BY; RIGHT; SCAN live; SCAN page; \
                 SEARCH s USING INTEGER PRIMARY KEY";
    assert!(plan.starts_with(start), "it is: {plan}");
}
