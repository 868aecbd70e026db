//! A replay has the same result as a plain loop over the rows, however often it runs.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::plain_loop;
use crate::program::{
    TestDir, arguments, assert_as_expected, balances, bank, program, random_ledger, replay, run,
};

const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ledger.csv");
/// A large ledger that is not part of the repository.
const REAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/ledger-1993.csv");

#[test]
fn the_bundled_ledger_matches_a_plain_loop() {
    assert_replay_matches_plain_loop(Path::new(BUNDLED));
}

#[test]
fn a_real_ledger_matches_a_plain_loop() {
    if fs::exists(REAL).is_ok_and(|exists| exists) {
        assert_replay_matches_plain_loop(Path::new(REAL));
    } else {
        println!("skipped: {REAL} does not exist");
    }
}

fn assert_replay_matches_plain_loop(ledger: &Path) {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let expected = plain_loop::run(&fs::read(ledger).expect("the ledger can be read"));

    let first = replay(&db, ledger);
    assert_as_expected(&first, &db, &expected);
    assert_eq!(first["existing_jobs"], expected.repeated);

    // A second replay changes nothing and reports the same outcomes.
    let again = replay(&db, ledger);
    assert_as_expected(&again, &db, &expected);
    assert_eq!(again["new_jobs"], 0);
    assert_eq!(again["jobs"], first["jobs"]);
    assert_eq!(again["events"], first["events"]);
    assert_eq!(again["rejected_lines"], first["rejected_lines"]);
    assert!(again["rows_per_second"].is_null());
}

#[test]
fn without_a_command_the_bundled_ledger_is_replayed() {
    let output = run([""; 0]);
    let expected = plain_loop::run(&fs::read(BUNDLED).expect("the ledger can be read"));
    let text = output.success();
    for (kind, code) in expected.refused.keys() {
        let line = text.lines().find(|line| line.contains(kind) && line.contains(code));
        assert!(line.is_some_and(|line| line.contains("line ")), "{kind}/{code} with an example in:\n{text}");
    }
    for word in ["rows", "succeeded", "refused", "rows per second", "job Deposit", "events", "column"] {
        assert!(text.contains(word), "`{word}` in:\n{text}");
    }
    let report = run(["--json"]).json();
    assert_eq!(report["rows"], expected.rows);
    assert_eq!(report["succeeded"], expected.succeeded);
}

#[test]
fn rejected_lines_are_listed_and_the_others_applied() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let ledger = [
        b"transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents\n"
            .as_slice(),
        b"t1,a-1,1993-01-01,credit,,,500,\n",
        b"t2,a-1,1993-01-01,credit\n",
        b"t3,a-1,1993-01-01,sideways,,,500,\n",
        b"t4,a-1,1993-01-01,credit,,,five,\n",
        b"t5,a-1,1993-01-01,credit,,,0,\n",
        b"t1,a-1,1993-01-01,credit,,,501,\n",
        b"t6,a-\xFF,1993-01-01,credit,,,500,\n",
        b"t1,a-1,1993-01-01,credit,,,500,\n",
        b"t7,a-1,1993-01-01,debit,,,100,\n",
    ]
    .concat();
    let report = replay(&db, &dir.write("ledger.csv", ledger));
    let lines = report["rejected_lines"].as_array().expect("lines are a list");
    let lines: Vec<_> = lines
        .iter()
        .map(|line| {
            (line["line"].as_u64(), line["column"].as_str(), line["reason"].as_str().unwrap_or_default())
        })
        .collect();
    for (index, (line, column, reason)) in [
        (3, None, "4 columns"),
        (4, Some("direction"), "`sideways`"),
        (5, Some("amount_cents"), "whole number of cents"),
        (6, Some("amount_cents"), "minimum"),
        (7, None, "idempotency key"),
        (8, Some("account"), "UTF-8"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!((lines[index].0, lines[index].1), (Some(line), column));
        assert!(lines[index].2.contains(reason), "{}", lines[index].2);
    }
    assert_eq!((&report["new_jobs"], &report["existing_jobs"]), (&2.into(), &1.into()));
    assert_eq!(balances(&db), [("a-1".to_owned(), 400)].into());
}

#[test]
fn all_rejected_lines_are_counted_and_the_first_are_listed() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let header = "transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents\n";
    let ledger = dir.write("ledger.csv", header.to_owned() + &"nonsense\n".repeat(5000));
    let report = replay(&db, &ledger);
    assert_eq!(report["rejected"], 5000);
    assert_eq!(report["rejected_lines"].as_array().map(Vec::len), Some(20));
    let text = run(arguments(&["replay"], &[("", &ledger), ("--db", &db)])).success();
    assert!(text.contains("and 4980 more"), "{text}");
}

#[test]
fn rows_of_an_earlier_ledger_are_counted_and_not_applied_again() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let header = "transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents\n";
    let (one, two, three) = ("t1,a,,credit,,,500,\n", "t2,a,,debit,,,900,\n", "t3,a,,credit,,,1,\n");
    replay(&db, &dir.write("one.csv", [header, one, two].concat()));
    let report = replay(&db, &dir.write("two.csv", [header, three, two, one].concat()));
    assert_eq!((&report["new_jobs"], &report["existing_jobs"]), (&1.into(), &2.into()));
    assert_eq!((&report["succeeded"], &report["refused"][0]["count"]), (&2.into(), &1.into()));
    assert_eq!(balances(&db), [("a".to_owned(), 501)].into());
}

#[test]
fn two_concurrent_replays_of_a_ledger_apply_each_row_once() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let text = random_ledger(2000);
    let ledger = dir.write("ledger.csv", &text);
    let start = || {
        program(arguments(&["replay", "--json"], &[("", &ledger), ("--db", &db)]))
            .stdout(Stdio::null())
            .spawn()
    };
    for mut program in [start(), start()].map(|started| started.expect("the program starts")) {
        assert!(program.wait().expect("the program ends").success());
    }
    let report = replay(&db, &ledger);
    assert_as_expected(&report, &db, &plain_loop::run(text.as_bytes()));
    assert_eq!(report["new_jobs"], 0);
}

#[test]
fn replayed_jobs_can_be_looked_up() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    replay(&db, Path::new(BUNDLED));
    let jobs =
        bank(&db, &["jobs", "--state", "failed", "--name", "Withdraw", "--limit", "3", "--json"]).json();
    let jobs = jobs.as_array().expect("jobs are a list");
    assert_eq!(jobs.len(), 3);
    let of_replay =
        bank(&db, &["jobs", "--correlation", "replay/ledger.csv", "--limit", "9999", "--json"]).json();
    assert!(of_replay.as_array().expect("jobs are a list").len() > 300);

    let id = jobs[0]["id"].as_str().expect("a job has an id");
    let job = bank(&db, &["job", id, "--json"]).json();
    assert_eq!(job["attempts"][0]["failure"], jobs[0]["failure"]);
    let text = bank(&db, &["job", id]).success();
    assert!(text.contains("failed") && text.contains(id), "{text}");

    let succeeded =
        bank(&db, &["jobs", "--state", "succeeded", "--name", "Withdraw", "--limit", "1", "--json"]).json();
    let id = succeeded[0]["id"].as_str().expect("a job has an id");
    let events = &bank(&db, &["job", id, "--json"]).json()["events"];
    let names = events.as_array().expect("events are a list").iter().map(|event| event["name"].as_str());
    assert!(names.eq([Some("LargeWithdrawal"), Some("MoneyWithdrawn")]), "{events}");
    assert!(bank(&db, &["job", id]).success().contains("emitted MoneyWithdrawn"));
}
