//! What the program says and with which code it ends, above all when something is wrong.

use std::fs;

use crate::program::{Place, arguments, balances, bank, run};

const HEADER: &str =
    "transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents\n";

#[test]
fn accounts_are_opened_used_and_listed() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["open", "a-1", "Ada"]).succeeded();
    let text = bank(&db, &["deposit", "a-1", "1250"]).succeeded();
    assert!(text.contains("job ") && text.contains("1250 cents") && text.contains("Ada"), "{text}");
    bank(&db, &["withdraw", "a-1", "250"]).succeeded();
    bank(&db, &["deposit", "b-2", "1"]).succeeded();
    assert_eq!(balances(&db), [("a-1".to_owned(), 1000), ("b-2".to_owned(), 1)].into());
    let table = bank(&db, &["balances"]).succeeded();
    assert!(table.contains("Ada") && table.contains("1000"), "{table}");
    let json = bank(&db, &["balances", "--json"]).json();
    assert_eq!(json[0]["balance_cents"], 1000);

    assert!(bank(&db, &["open", "a-1", "Bela"]).refused().contains("already_exists"));
}

#[test]
fn a_refusal_says_its_kind_its_code_and_what_is_wrong_where() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a-1", "100"]).succeeded();

    let refused = bank(&db, &["withdraw", "a-1", "101"]).refused();
    assert!(
        refused.contains("violated (covered)") && refused.contains("The account holds at least"),
        "{refused}"
    );
    let refused = bank(&db, &["withdraw", "b-2", "1"]).refused();
    assert!(refused.contains("not_found") && refused.contains("b-2"), "{refused}");
    let refused = bank(&db, &["deposit", "a 1", "0"]).refused();
    assert!(refused.contains("/account") && refused.contains("/cents"), "{refused}");
    assert!(bank(&db, &["deposit", "a-1", "-5"]).refused().contains("minimum"));

    let ran = bank(&db, &["withdraw", "a-1", "101", "--json"]);
    assert_eq!(ran.code, Some(1));
    let json = ran.json();
    assert_eq!(json["failure"]["kind"], "violated");
    assert_eq!(json["account"]["balance_cents"], 100);
    let job = bank(&db, &["job", json["job"].as_str().expect("it has a job"), "--json"]).json();
    assert_eq!(job["job"]["failure"], json["failure"]);
}

#[test]
fn a_booking_is_carried_out_once() {
    let place = Place::new();
    let db = place.path("bank.db");
    for _ in 0..2 {
        bank(&db, &["deposit", "a-1", "100", "--transaction", "t-1"]).succeeded();
    }
    let refused = bank(&db, &["deposit", "a-1", "101", "--transaction", "t-1"]).refused();
    assert!(refused.contains("idempotency"), "{refused}");
    assert_eq!(balances(&db)["a-1"], 100);
}

#[test]
fn a_transfer_is_waited_for_and_looked_up() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).succeeded();
    bank(&db, &["open", "b-2", "Bela"]).succeeded();

    let text = bank(&db, &["transfer", "a-1", "b-2", "200", "--id", "t-1"]).succeeded();
    assert!(text.contains("t-1") && text.contains("completed") && text.contains("300 cents"), "{text}");
    let refused = bank(&db, &["transfer", "a-1", "nobody", "200", "--id", "t-2"]).refused();
    assert!(refused.contains("t-2") && refused.contains("refunded: there is no such account"), "{refused}");
    let refused = bank(&db, &["transfer", "a-1", "b-2", "301"]).refused();
    assert!(refused.contains("transfer_covered"), "{refused}");
    let refused = bank(&db, &["transfer", "a-1", "a-1", "1"]).refused();
    assert!(refused.contains("to another account"), "{refused}");
    assert_eq!(balances(&db), [("a-1".to_owned(), 300), ("b-2".to_owned(), 200)].into());

    assert!(bank(&db, &["transfers", "t-2"]).succeeded().contains("refunded"));
    let both = bank(&db, &["transfers", "--json"]).json();
    assert_eq!(both[0]["state"], "completed");
    assert_eq!(both[1]["state"]["refunded"], "no_such_account");
    assert!(bank(&db, &["transfers", "t-3"]).refused().contains("there is no transfer `t-3`"));
}

#[test]
fn who_only_reads_makes_no_database() {
    let place = Place::new();
    let db = place.path("none.db");
    let id = "01a200f6-ad9d-72cb-b266-6f55ab783951";
    let reads: [&[&str]; 6] = [
        &["balances"],
        &["jobs"],
        &["job", id],
        &["transfers"],
        &["withdraw", "a", "1"],
        &["transfer", "a", "b", "1"],
    ];
    for words in reads {
        let refused = bank(&db, words).refused();
        assert!(refused.contains("there is no database") && refused.contains("none.db"), "{refused}");
    }
    assert!(!db.exists());
}

#[test]
fn what_is_not_there_is_not_found() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a-1", "100"]).succeeded();
    assert!(bank(&db, &["jobs", "--name", "Nothing", "--json"]).json().as_array().is_some_and(Vec::is_empty));
    let unknown = bank(&db, &["job", "01a200f6-ad9d-72cb-b266-6f55ab783951"]).refused();
    assert!(unknown.contains("there is no job"), "{unknown}");
}

#[test]
fn a_ledger_that_is_none_says_so_and_leaves_no_database() {
    let place = Place::new();
    let db = place.path("bank.db");
    let refused = |ledger: &std::path::Path| {
        let refused = run(arguments(&["replay"], &[("", ledger), ("--db", &db)])).refused();
        assert!(refused.contains(ledger.to_str().unwrap_or_default()), "{refused}");
        assert!(!db.exists());
        refused
    };
    assert!(refused(&place.path("none.csv")).contains("No such file"));
    assert!(refused(&place.path("")).contains("directory"));
    assert!(refused(&place.write("empty.csv", "")).contains("is empty"));
    assert!(refused(&place.write("picture.csv", b"\x89PNG\r\n\x1a\n\0\0")).contains("no ledger"));
    let other = refused(&place.write("other.csv", "date,amount\n1993-01-01,5\n"));
    assert!(other.contains("transaction,account,date") && other.contains("`date,amount`"), "{other}");
}

#[test]
fn a_field_of_ten_megabytes_and_bytes_that_are_no_text_are_one_bad_line_each() {
    let place = Place::new();
    let db = place.path("bank.db");
    let mut ledger = HEADER.as_bytes().to_vec();
    ledger.extend(b"t1,");
    ledger.resize(ledger.len() + 10_000_000, b'x');
    ledger.extend(b",,credit,,,1,\nt2,a-1,,credit,\xFF\xFE,,1,\nt3,a-1,,credit,,,1,\n");
    let ledger = place.write("ledger.csv", ledger);
    let text = run(arguments(&["replay"], &[("", &ledger), ("--db", &db)])).succeeded();
    assert!(text.contains("longer than 65536 bytes") && text.contains("UTF-8"), "{text}");
    assert_eq!(balances(&db), [("a-1".to_owned(), 1)].into());
}

#[test]
fn a_database_that_cannot_be_used_is_named_with_what_to_do() {
    let place = Place::new();
    let text = place.write("text.db", "this is a shopping list, and no database ".repeat(100));
    assert!(bank(&text, &["deposit", "a", "1"]).refused().contains("no SQLite database"));
    assert!(bank(&text, &["balances"]).refused().contains("text.db"));
    assert!(bank(&place.path(""), &["deposit", "a", "1"]).refused().contains("is a directory"));
    assert!(
        bank(&place.path("none/bank.db"), &["deposit", "a", "1"]).refused().contains("there is no directory")
    );

    let db = place.path("bank.db");
    bank(&db, &["deposit", "a", "1"]).succeeded();
    let mut bytes = fs::read(&db).expect("the database can be read");
    bytes.iter_mut().skip(100).for_each(|byte| *byte ^= 0x5A);
    let damaged = place.write("damaged.db", bytes);
    let refused = bank(&damaged, &["deposit", "a", "1"]).refused();
    assert!(refused.contains("damaged.db") && refused.contains("restore a backup"), "{refused}");
}

#[test]
fn a_database_that_is_read_only_is_named_with_what_to_do() {
    let place = Place::new();
    let db = place.path("bank.db");
    bank(&db, &["deposit", "a", "1"]).succeeded();
    let mut permissions = fs::metadata(&db).expect("the database is there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&db, permissions).expect("permissions can be set");
    if fs::OpenOptions::new().write(true).open(&db).is_ok() {
        println!("skipped: this user may write what is read-only");
        return;
    }
    assert!(bank(&db, &["deposit", "a", "1"]).refused().contains("read-only"));
}

#[test]
fn a_wrong_command_line_is_no_failure_but_a_mistake() {
    let place = Place::new();
    let db = place.path("bank.db");
    let wrong: [(&[&str], &str); 6] = [
        (&["deposit", "a-1", "five"], "five"),
        (&["jobs", "--state", "sleeping"], "unknown job state `sleeping`"),
        (&["job", "17"], "17"),
        (&["deposit", "a-1", "5", "--lease", "never"], "no number of seconds"),
        (&["deposit", "a-1", "5", "--lease", "0"], "between 0.1 seconds and a day"),
        (&["rob"], "rob"),
    ];
    for (words, said) in wrong {
        let ran = bank(&db, words);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert!(!db.exists());
}
