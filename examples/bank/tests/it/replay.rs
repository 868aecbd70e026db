//! A replay comes to what a plain loop over the rows comes to, once and every further time.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::plain_loop;
use crate::program::{
    Place, arguments, assert_as_expected, balances, bank, made_up_ledger, program, replay, run,
};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ledger.csv");
const OF_1993: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/ledger-1993.csv");

#[test]
fn the_shipped_ledger_is_what_a_plain_loop_says() {
    replay_is_what_a_plain_loop_says(Path::new(SHIPPED));
}

#[test]
fn a_real_ledger_is_what_a_plain_loop_says() {
    if fs::exists(OF_1993).is_ok_and(|exists| exists) {
        replay_is_what_a_plain_loop_says(Path::new(OF_1993));
    } else {
        println!("skipped: there is no {OF_1993}");
    }
}

fn replay_is_what_a_plain_loop_says(ledger: &Path) {
    let place = Place::new();
    let db = place.path("bank.db");
    let expected = plain_loop::run(&fs::read(ledger).expect("the ledger can be read"));

    let first = replay(&db, ledger);
    assert_as_expected(&first, &db, &expected);
    assert_eq!(first["on_record"], expected.repeated);

    // Done again, it changes nothing, and says the same.
    let again = replay(&db, ledger);
    assert_as_expected(&again, &db, &expected);
    assert_eq!(again["applied"], 0);
    assert_eq!(again["jobs"], first["jobs"]);
    assert_eq!(again["events"], first["events"]);
    assert_eq!(again["rejected_lines"], first["rejected_lines"]);
    assert!(again["rows_per_second"].is_null());
}

#[test]
fn without_a_command_the_shipped_ledger_is_replayed_and_summed_up() {
    let ran = run([""; 0]);
    let expected = plain_loop::run(&fs::read(SHIPPED).expect("the ledger can be read"));
    let text = ran.succeeded();
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
fn a_line_that_becomes_no_job_is_named_with_its_place_and_the_rest_goes_on() {
    let place = Place::new();
    let db = place.path("bank.db");
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
    let report = replay(&db, &place.write("ledger.csv", ledger));
    let lines = report["rejected_lines"].as_array().expect("lines are a list");
    let lines: Vec<_> = lines
        .iter()
        .map(|line| {
            (line["line"].as_u64(), line["field"].as_str(), line["reason"].as_str().unwrap_or_default())
        })
        .collect();
    for (index, (line, field, reason)) in [
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
        assert_eq!((lines[index].0, lines[index].1), (Some(line), field));
        assert!(lines[index].2.contains(reason), "{}", lines[index].2);
    }
    assert_eq!((&report["applied"], &report["on_record"]), (&2.into(), &1.into()));
    assert_eq!(balances(&db), [("a-1".to_owned(), 400)].into());
}

#[test]
fn however_many_lines_are_rejected_the_first_are_listed_and_all_are_counted() {
    let place = Place::new();
    let db = place.path("bank.db");
    let header = "transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents\n";
    let ledger = place.write("ledger.csv", header.to_owned() + &"nonsense\n".repeat(5000));
    let report = replay(&db, &ledger);
    assert_eq!(report["rejected"], 5000);
    assert_eq!(report["rejected_lines"].as_array().map(Vec::len), Some(20));
    let text = run(arguments(&["replay"], &[("", &ledger), ("--db", &db)])).succeeded();
    assert!(text.contains("and 4980 more"), "{text}");
}

#[test]
fn a_ledger_that_shares_rows_with_another_counts_them_and_applies_them_once() {
    let place = Place::new();
    let db = place.path("bank.db");
    let header = "transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents\n";
    let (one, two, three) = ("t1,a,,credit,,,500,\n", "t2,a,,debit,,,900,\n", "t3,a,,credit,,,1,\n");
    replay(&db, &place.write("one.csv", [header, one, two].concat()));
    let report = replay(&db, &place.write("two.csv", [header, three, two, one].concat()));
    assert_eq!((&report["applied"], &report["on_record"]), (&1.into(), &2.into()));
    assert_eq!((&report["succeeded"], &report["refused"][0]["count"]), (&2.into(), &1.into()));
    assert_eq!(balances(&db), [("a".to_owned(), 501)].into());
}

#[test]
fn two_programs_that_replay_the_same_ledger_at_the_same_time_apply_each_row_once() {
    let place = Place::new();
    let db = place.path("bank.db");
    let text = made_up_ledger(2000);
    let ledger = place.write("ledger.csv", &text);
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
    assert_eq!(report["applied"], 0);
}

#[test]
fn what_was_replayed_can_be_looked_up() {
    let place = Place::new();
    let db = place.path("bank.db");
    replay(&db, Path::new(SHIPPED));
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
    let text = bank(&db, &["job", id]).succeeded();
    assert!(text.contains("failed") && text.contains(id), "{text}");

    let done =
        bank(&db, &["jobs", "--state", "succeeded", "--name", "Withdraw", "--limit", "1", "--json"]).json();
    let id = done[0]["id"].as_str().expect("a job has an id");
    let events = &bank(&db, &["job", id, "--json"]).json()["events"];
    let names = events.as_array().expect("events are a list").iter().map(|event| event["name"].as_str());
    assert!(names.eq([Some("LargeWithdrawal"), Some("MoneyWithdrawn")]), "{events}");
    assert!(bank(&db, &["job", id]).succeeded().contains("emitted MoneyWithdrawn"));
}
