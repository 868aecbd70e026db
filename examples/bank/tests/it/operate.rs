//! `bank retry`, `cancel`, `prune`, `tree`, `job`, `backup`, `restore` and `check`.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;

use crate::program::{TestDir, bank, program};

/// Creates a database with a failed withdrawal that would succeed now, and returns its job.
fn create_failed_job(db: &Path) -> String {
    bank(db, &["open", "a-1", "Ada"]).success();
    let output = bank(db, &["withdraw", "a-1", "100", "--json"]);
    assert_eq!(output.code, Some(1));
    let job = text(&output.json()["job"]);
    bank(db, &["deposit", "a-1", "500"]).success();
    job
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn state(db: &Path, job: &str) -> String {
    text(&bank(db, &["job", job, "--json"]).json()["job"]["state"])
}

const UNKNOWN_JOB: &str = "01a200f6-ad9d-72cb-b266-6f55ab783951";

#[test]
fn a_failed_job_is_retried_and_keeps_its_attempts() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let job = create_failed_job(&db);
    let output = bank(&db, &["retry", &job]).success();
    assert!(output.contains("(Withdraw) is ready") && output.contains("`bank work` runs it"), "{output}");
    assert_eq!(state(&db, &job), "ready");
    // Any command that runs jobs runs it.
    bank(&db, &["deposit", "a-1", "1"]).success();
    while state(&db, &job) != "succeeded" {
        bank(&db, &["deposit", "a-1", "1"]).success();
    }
    let shown = bank(&db, &["job", &job]).success();
    assert!(shown.contains("by hand after attempt 1") || shown.contains("violated (covered)"), "{shown}");
    let report = bank(&db, &["job", &job, "--json"]).json();
    assert_eq!(report["attempts"].as_array().map(Vec::len), Some(2));

    let error = bank(&db, &["retry", &job]).error();
    assert!(error.contains("illegal_transition"), "{error}");
    assert!(bank(&db, &["retry", UNKNOWN_JOB]).error().contains("no_such_job"));
}

#[test]
fn failed_jobs_are_retried_by_name_and_correlation() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let job = create_failed_job(&db);
    let correlation = text(&bank(&db, &["job", &job, "--json"]).json()["job"]["correlation"]);
    let retried = |words: &[&str]| {
        let words = [&["retry", "--failed", "--json"], words].concat();
        bank(&db, &words).json()["retried"].as_u64()
    };
    assert_eq!(retried(&["--name", "Deposit"]), Some(0));
    assert_eq!(retried(&["--correlation", "another"]), Some(0));
    assert_eq!(state(&db, &job), "failed");
    assert_eq!(retried(&["--name", "Withdraw", "--correlation", &correlation]), Some(1));
    assert_eq!(state(&db, &job), "ready");
    assert!(bank(&db, &["retry", "--failed"]).success().starts_with("retried 0 failed jobs"));
}

#[test]
fn a_cancelled_job_stays_cancelled() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let job = create_failed_job(&db);
    let error = bank(&db, &["cancel", &job]).error();
    assert!(error.contains("illegal_transition"), "{error}");
    bank(&db, &["retry", &job]).success();
    for _ in 0..2 {
        assert!(bank(&db, &["cancel", &job]).success().contains("(Withdraw) is cancelled"));
    }
    assert_eq!(bank(&db, &["cancel", &job, "--json"]).json()["state"], "cancelled");
    bank(&db, &["deposit", "a-1", "1"]).success();
    assert_eq!(state(&db, &job), "cancelled");
    assert!(bank(&db, &["cancel", UNKNOWN_JOB]).error().contains("no_such_job"));
}

#[test]
fn the_tree_shows_each_job_below_its_cause() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).success();
    bank(&db, &["open", "b-2", "Bela"]).success();
    let transfer = bank(&db, &["transfer", "a-1", "b-2", "200", "--json"]).json();
    let first = text(&transfer["job"]);
    let tree = bank(&db, &["tree", &first]).success();
    // The ids differ in each run.
    let lines: Vec<String> = tree.lines().skip(1).map(without_id).collect();
    assert_eq!(
        lines,
        [
            "└── StartTransfer succeeded",
            "    └── route_transfer succeeded, handles TransferStarted",
            "        └── CompleteTransfer succeeded, published",
            "            └── record_completion succeeded, handles TransferCompleted",
        ]
    );
    let nodes = bank(&db, &["tree", &first, "--json"]).json();
    assert_eq!(nodes[3]["depth"], 3);
    let last = text(&nodes[3]["id"]);
    assert_eq!(bank(&db, &["tree", &last]).success(), tree, "any job of the tree leads to it");

    let failed = text(&bank(&db, &["transfer", "a-1", "b-2", "9000", "--json"]).json()["job"]);
    let tree = bank(&db, &["tree", &failed]).success();
    assert!(tree.contains("StartTransfer") && tree.contains("failed: violated (transfer_covered)"), "{tree}");
    assert!(bank(&db, &["tree", UNKNOWN_JOB]).error().contains("not found"));
}

/// Removes the job id from a line of a tree.
fn without_id(line: &str) -> String {
    let is_id = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    line.split(' ').filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ")
}

#[test]
fn old_jobs_are_deleted_by_age_and_state() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let failed = create_failed_job(&db);
    let count = || bank(&db, &["jobs", "--json"]).json().as_array().map(Vec::len);
    assert_eq!(bank(&db, &["prune", "--older-than", "1h"]).success(), "deleted 0 jobs and 0 events\n");
    assert_eq!(count(), Some(3));
    let deleted = bank(&db, &["prune", "--older-than", "0s", "--state", "succeeded", "--json"]).json();
    assert_eq!((&deleted["jobs"], &deleted["events"]), (&2.into(), &0.into()));
    assert_eq!(state(&db, &failed), "failed");
    let deleted = bank(&db, &["prune", "--older-than", "0s", "--events", "--json"]).json();
    assert_eq!(deleted["jobs"], 1);
    assert_eq!(count(), Some(0));
}

#[test]
fn an_invalid_option_is_named_with_what_to_write() {
    let dir = TestDir::new();
    let db = dir.path("none.db");
    let cases: [(&[&str], &[&str]); 7] = [
        (&["prune", "--older-than", "old"], &["--older-than", "write `30d`, `12h` or `90m`"]),
        (&["prune", "--older-than=-1d"], &["--older-than", "write `30d`"]),
        (&["prune"], &["--older-than"]),
        (&["prune", "--older-than", "1d", "--state", "ready"], &["--state", "succeeded, failed, cancelled"]),
        (&["retry"], &["<ID|--failed>"]),
        (&["retry", UNKNOWN_JOB, "--failed"], &["cannot be used with"]),
        (&["work", "--grace", "long"], &["--grace", "not a number of seconds"]),
    ];
    for (words, parts) in cases {
        let output = bank(&db, words);
        assert_eq!(output.code, Some(2), "{words:?}: {}", output.stderr);
        for part in parts {
            assert!(output.stderr.contains(part), "{words:?}: {}", output.stderr);
        }
    }
    let commands: [&[&str]; 5] = [
        &["retry", UNKNOWN_JOB],
        &["cancel", UNKNOWN_JOB],
        &["tree", UNKNOWN_JOB],
        &["watch"],
        &["prune", "--older-than", "1d"],
    ];
    for words in commands {
        let error = bank(&db, words).error();
        assert!(error.contains("none.db` not found"), "{error}");
    }
    assert!(!db.exists());
}

#[test]
fn a_job_is_shown_with_its_request_and_events() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let output =
        bank(&db, &["deposit", "a-1", "500", "--transaction", "t-1", "--tenant", "enterprise", "--json"]);
    let job = text(&output.json()["job"]);
    let shown = bank(&db, &["job", &job]).success();
    for line in [
        "target       a-1",
        "idempotency  t-1",
        "correlation  Deposit/",
        r#"context      {"tenant":"enterprise"}"#,
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(shown.contains("emitted MoneyDeposited"), "{shown}");
}

#[test]
fn a_backup_is_written_while_the_bank_works_and_restored_after_it_was_killed() {
    let dir = TestDir::new();
    let (db, backup) = (dir.path("bank.db"), dir.path("backup.db"));
    let file = backup.to_str().expect("a name in UTF-8").to_owned();
    bank(&db, &["open", "a-1", "Ada"]).success();
    let mut work =
        program([OsStr::new("work"), OsStr::new("--db"), db.as_os_str()]).spawn().expect("it starts");
    bank(&db, &["deposit", "a-1", "100"]).success();
    assert!(bank(&db, &["backup", &file]).success().contains("backed up"));
    let error = bank(&db, &["backup", &file]).error();
    assert!(error.contains("exists"), "{error}");
    bank(&db, &["deposit", "a-1", "100"]).success();
    work.kill().expect("it is killed");
    work.wait().expect("it has ended");

    let restored = bank(&db, &["restore", &file, "--json"]).json();
    let replaced = text(&restored["replaced"]);
    assert!(Path::new(&replaced).exists(), "{replaced}");
    let balance = |db: &Path| text(&bank(db, &["balances", "--csv"]).success().into());
    assert!(balance(&db).contains(",100"), "{}", balance(&db));
    assert!(balance(Path::new(&replaced)).contains(",200"), "what was there is kept");
    assert!(bank(&db, &["check"]).success().contains("is whole"));
}

#[test]
fn a_restore_needs_a_database_that_no_process_uses() {
    let dir = TestDir::new();
    let (db, backup) = (dir.path("bank.db"), dir.path("backup.db"));
    let file = backup.to_str().expect("a name in UTF-8").to_owned();
    bank(&db, &["open", "a-1", "Ada"]).success();
    bank(&db, &["backup", &file]).success();
    let mut work =
        program([OsStr::new("work"), OsStr::new("--db"), db.as_os_str()]).spawn().expect("it starts");
    // It has opened the database when its log is there.
    while !dir.path("bank.db-wal").exists() {
        assert!(work.try_wait().expect("it can be asked").is_none(), "it works");
    }
    let error = bank(&db, &["restore", &file]).error();
    work.kill().expect("it is killed");
    work.wait().expect("it has ended");
    assert!(error.contains("open in another process") && error.contains("stop all processes"), "{error}");
}

#[test]
fn a_check_reports_damage_and_fails() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["open", "a-1", "Ada"]).success();
    let mut bytes = std::fs::read(&db).expect("it is read");
    let last = bytes.len() - 4096;
    bytes[last..].fill(0x5a);
    std::fs::write(&db, bytes).expect("it is written");
    let output = bank(&db, &["check"]);
    assert_eq!(output.code, Some(1), "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("restore a backup"), "{}", output.stderr);
}
