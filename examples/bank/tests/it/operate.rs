//! What looks after jobs by hand.

use std::path::Path;

use serde_json::Value;

use crate::program::{Place, bank};

/// A database in which a withdrawal has failed that would succeed now: its job.
fn with_a_failed_job(db: &Path) -> String {
    bank(db, &["open", "a-1", "Ada"]).succeeded();
    let ran = bank(db, &["withdraw", "a-1", "100", "--json"]);
    assert_eq!(ran.code, Some(1));
    let job = text(&ran.json()["job"]);
    bank(db, &["deposit", "a-1", "500"]).succeeded();
    job
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn state(db: &Path, job: &str) -> String {
    text(&bank(db, &["job", job, "--json"]).json()["job"]["state"])
}

const NO_JOB: &str = "01a200f6-ad9d-72cb-b266-6f55ab783951";

#[test]
fn a_failed_job_is_retried_and_keeps_its_attempts() {
    let place = Place::new();
    let db = place.path("bank.db");
    let job = with_a_failed_job(&db);
    let said = bank(&db, &["retry", &job]).succeeded();
    assert!(said.contains("(Withdraw) is ready") && said.contains("`bank work` runs it"), "{said}");
    assert_eq!(state(&db, &job), "ready");
    // Whoever works on the database runs it.
    bank(&db, &["deposit", "a-1", "1"]).succeeded();
    while state(&db, &job) != "succeeded" {
        bank(&db, &["deposit", "a-1", "1"]).succeeded();
    }
    let shown = bank(&db, &["job", &job]).succeeded();
    assert!(shown.contains("retried after 1 attempts") || shown.contains("violated (covered)"), "{shown}");
    let report = bank(&db, &["job", &job, "--json"]).json();
    assert_eq!(report["attempts"].as_array().map(Vec::len), Some(2));

    let refused = bank(&db, &["retry", &job]).refused();
    assert!(refused.contains("is succeeded, and cannot be retried"), "{refused}");
    assert!(bank(&db, &["retry", NO_JOB]).refused().contains("there is no job"));
}

#[test]
fn failed_jobs_are_retried_by_name_and_matter() {
    let place = Place::new();
    let db = place.path("bank.db");
    let job = with_a_failed_job(&db);
    let matter = text(&bank(&db, &["job", &job, "--json"]).json()["job"]["correlation"]);
    let retried = |words: &[&str]| {
        let words = [&["retry", "--failed", "--json"], words].concat();
        bank(&db, &words).json()["retried"].as_u64()
    };
    assert_eq!(retried(&["--name", "Deposit"]), Some(0));
    assert_eq!(retried(&["--matter", "another"]), Some(0));
    assert_eq!(state(&db, &job), "failed");
    assert_eq!(retried(&["--name", "Withdraw", "--matter", &matter]), Some(1));
    assert_eq!(state(&db, &job), "ready");
    assert!(bank(&db, &["retry", "--failed"]).succeeded().starts_with("0 failed jobs run again"));
}

#[test]
fn a_job_is_cancelled_once_and_for_all() {
    let place = Place::new();
    let db = place.path("bank.db");
    let job = with_a_failed_job(&db);
    let refused = bank(&db, &["cancel", &job]).refused();
    assert!(refused.contains("is failed, and cannot be cancelled"), "{refused}");
    bank(&db, &["retry", &job]).succeeded();
    for _ in 0..2 {
        assert!(bank(&db, &["cancel", &job]).succeeded().contains("(Withdraw) is cancelled"));
    }
    assert_eq!(bank(&db, &["cancel", &job, "--json"]).json()["state"], "cancelled");
    bank(&db, &["deposit", "a-1", "1"]).succeeded();
    assert_eq!(state(&db, &job), "cancelled");
    assert!(bank(&db, &["cancel", NO_JOB]).refused().contains("there is no job"));
}

#[test]
fn the_tree_shows_who_caused_whom() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).succeeded();
    bank(&db, &["open", "b-2", "Bela"]).succeeded();
    let transfer = bank(&db, &["transfer", "a-1", "b-2", "200", "--json"]).json();
    let first = text(&transfer["job"]);
    let tree = bank(&db, &["tree", &first]).succeeded();
    // Without ids, which are new each time, it is the same tree each time.
    let lines: Vec<String> = tree.lines().skip(1).map(without_id).collect();
    assert_eq!(
        lines,
        [
            "└── StartTransfer succeeded",
            "    └── route_transfer succeeded, of TransferStarted",
            "        └── CompleteTransfer succeeded, published",
            "            └── record_completion succeeded, of TransferCompleted",
        ]
    );
    let branches = bank(&db, &["tree", &first, "--json"]).json();
    assert_eq!(branches[3]["depth"], 3);
    let last = text(&branches[3]["id"]);
    assert_eq!(bank(&db, &["tree", &last]).succeeded(), tree, "any job of a matter leads to its tree");

    let failed = text(&bank(&db, &["transfer", "a-1", "b-2", "9000", "--json"]).json()["job"]);
    let tree = bank(&db, &["tree", &failed]).succeeded();
    assert!(tree.contains("StartTransfer") && tree.contains("failed: violated (transfer_covered)"), "{tree}");
    assert!(bank(&db, &["tree", NO_JOB]).refused().contains("there is no job"));
}

/// A line of a tree, without the id of its job.
fn without_id(line: &str) -> String {
    let is_id = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    line.split(' ').filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ")
}

#[test]
fn old_jobs_are_deleted_by_age_and_state() {
    let place = Place::new();
    let db = place.path("bank.db");
    let failed = with_a_failed_job(&db);
    let count = || bank(&db, &["jobs", "--json"]).json().as_array().map(Vec::len);
    assert_eq!(bank(&db, &["prune", "--older-than", "1h"]).succeeded(), "deleted 0 jobs and 0 events\n");
    assert_eq!(count(), Some(3));
    let deleted = bank(&db, &["prune", "--older-than", "0s", "--state", "succeeded", "--json"]).json();
    assert_eq!((&deleted["jobs"], &deleted["events"]), (&2.into(), &0.into()));
    assert_eq!(state(&db, &failed), "failed");
    let deleted = bank(&db, &["prune", "--older-than", "0s", "--events", "--json"]).json();
    assert_eq!(deleted["jobs"], 1);
    assert_eq!(count(), Some(0));
}

#[test]
fn what_is_wrong_on_the_command_line_is_named_with_what_to_write() {
    let place = Place::new();
    let db = place.path("none.db");
    let wrong: [(&[&str], &[&str]); 7] = [
        (&["prune", "--older-than", "old"], &["--older-than", "write `30d`, `12h` or `90m`"]),
        (&["prune", "--older-than=-1d"], &["--older-than", "write `30d`"]),
        (&["prune"], &["--older-than"]),
        (&["prune", "--older-than", "1d", "--state", "ready"], &["--state", "succeeded, failed, cancelled"]),
        (&["retry"], &["<ID|--failed>"]),
        (&["retry", NO_JOB, "--failed"], &["cannot be used with"]),
        (&["work", "--grace", "long"], &["--grace", "no number of seconds"]),
    ];
    for (words, said) in wrong {
        let ran = bank(&db, words);
        assert_eq!(ran.code, Some(2), "{words:?}: {}", ran.stderr);
        for part in said {
            assert!(ran.stderr.contains(part), "{words:?}: {}", ran.stderr);
        }
    }
    let reads: [&[&str]; 5] = [
        &["retry", NO_JOB],
        &["cancel", NO_JOB],
        &["tree", NO_JOB],
        &["watch"],
        &["prune", "--older-than", "1d"],
    ];
    for words in reads {
        let refused = bank(&db, words).refused();
        assert!(refused.contains("there is no database") && refused.contains("none.db"), "{refused}");
    }
    assert!(!db.exists());
}

#[test]
fn a_job_is_shown_with_all_that_is_known_of_it() {
    let place = Place::new();
    let db = place.path("bank.db");
    let ran =
        bank(&db, &["deposit", "a-1", "500", "--transaction", "t-1", "--tenant", "enterprise", "--json"]);
    let job = text(&ran.json()["job"]);
    let shown = bank(&db, &["job", &job]).succeeded();
    for line in [
        "target       a-1",
        "once for     t-1",
        "matter       Deposit/",
        r#"context      {"tenant":"enterprise"}"#,
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(shown.contains("emitted MoneyDeposited"), "{shown}");
}
