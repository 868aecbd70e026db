//! The program's output and exit codes, mostly in case of errors.

use std::fs;
use std::path::Path;

use crate::program::{TestDir, arguments, balances, bank, run};

const HEADER: &str =
    "transaction,account,date,direction,operation,purpose,amount_cents,stated_balance_cents\n";

#[test]
fn accounts_can_be_opened_used_and_listed() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["open", "a-1", "Ada"]).success();
    let text = bank(&db, &["deposit", "a-1", "1250"]).success();
    assert!(text.contains("job ") && text.contains("1250 cents") && text.contains("Ada"), "{text}");
    bank(&db, &["withdraw", "a-1", "250"]).success();
    bank(&db, &["deposit", "b-2", "1"]).success();
    assert_eq!(balances(&db), [("a-1".to_owned(), 1000), ("b-2".to_owned(), 1)].into());
    let table = bank(&db, &["balances"]).success();
    assert!(table.contains("Ada") && table.contains("1000"), "{table}");
    let json = bank(&db, &["balances", "--json"]).json();
    assert_eq!(json[0]["balance_cents"], 1000);

    assert!(bank(&db, &["open", "a-1", "Bela"]).error().contains("already_exists"));
}

#[test]
fn an_error_names_its_kind_its_code_and_the_invalid_fields() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a-1", "100"]).success();

    let error = bank(&db, &["withdraw", "a-1", "101"]).error();
    assert!(error.contains("violated (covered)") && error.contains("The account holds at least"), "{error}");
    let error = bank(&db, &["withdraw", "b-2", "1"]).error();
    assert!(error.contains("not_found") && error.contains("b-2"), "{error}");
    let error = bank(&db, &["deposit", "a 1", "0"]).error();
    assert!(error.contains("/account") && error.contains("/cents"), "{error}");
    assert!(bank(&db, &["deposit", "a-1", "-5"]).error().contains("minimum"));

    let output = bank(&db, &["withdraw", "a-1", "101", "--json"]);
    assert_eq!(output.code, Some(1));
    let json = output.json();
    assert_eq!(json["failure"]["kind"], "violated");
    assert_eq!(json["account"]["balance_cents"], 100);
    let job = bank(&db, &["job", json["job"].as_str().expect("the command has a job"), "--json"]).json();
    assert_eq!(job["job"]["failure"], json["failure"]);
}

#[test]
fn a_transaction_is_applied_once() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    for _ in 0..2 {
        bank(&db, &["deposit", "a-1", "100", "--transaction", "t-1"]).success();
    }
    let error = bank(&db, &["deposit", "a-1", "101", "--transaction", "t-1"]).error();
    assert!(error.contains("idempotency"), "{error}");
    assert_eq!(balances(&db)["a-1"], 100);
}

#[test]
fn a_transfer_is_awaited_and_can_be_looked_up() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a-1", "500"]).success();
    bank(&db, &["open", "b-2", "Bela"]).success();

    let text = bank(&db, &["transfer", "a-1", "b-2", "200", "--id", "t-1"]).success();
    assert!(text.contains("t-1") && text.contains("completed") && text.contains("300 cents"), "{text}");
    let error = bank(&db, &["transfer", "a-1", "nobody", "200", "--id", "t-2"]).error();
    assert!(
        error.contains("t-2") && error.contains("refunded: the recipient's account does not exist"),
        "{error}"
    );
    let error = bank(&db, &["transfer", "a-1", "b-2", "301"]).error();
    assert!(error.contains("transfer_covered"), "{error}");
    let error = bank(&db, &["transfer", "a-1", "a-1", "1"]).error();
    assert!(error.contains("different accounts"), "{error}");
    assert_eq!(balances(&db), [("a-1".to_owned(), 300), ("b-2".to_owned(), 200)].into());

    assert!(bank(&db, &["transfers", "t-2"]).success().contains("refunded"));
    let both = bank(&db, &["transfers", "--json"]).json();
    assert_eq!(both[0]["state"], "completed");
    assert_eq!(both[1]["state"]["refunded"], "no_such_account");
    assert!(bank(&db, &["transfers", "t-3"]).error().contains("transfer `t-3` not found"));
}

#[test]
fn commands_that_need_a_database_do_not_create_one() {
    let dir = TestDir::new();
    let db = dir.path("none.db");
    let id = "01a200f6-ad9d-72cb-b266-6f55ab783951";
    let commands: [&[&str]; 6] = [
        &["balances"],
        &["jobs"],
        &["job", id],
        &["transfers"],
        &["withdraw", "a", "1"],
        &["transfer", "a", "b", "1"],
    ];
    for words in commands {
        let error = bank(&db, words).error();
        assert!(error.contains("none.db` not found"), "{error}");
    }
    assert!(!db.exists());
}

#[test]
fn unknown_jobs_are_not_found() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a-1", "100"]).success();
    assert!(bank(&db, &["jobs", "--name", "Nothing", "--json"]).json().as_array().is_some_and(Vec::is_empty));
    let error = bank(&db, &["job", "01a200f6-ad9d-72cb-b266-6f55ab783951"]).error();
    assert!(error.contains("not found"), "{error}");
}

#[test]
fn an_invalid_ledger_is_refused_and_creates_no_database() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let replay = |ledger: &Path| {
        let error = run(arguments(&["replay"], &[("", ledger), ("--db", &db)])).error();
        assert!(error.contains(ledger.to_str().unwrap_or_default()), "{error}");
        assert!(!db.exists());
        error
    };
    assert!(replay(&dir.path("none.csv")).contains("No such file"));
    assert!(replay(&dir.path("")).contains("directory"));
    assert!(replay(&dir.write("empty.csv", "")).contains("is empty"));
    assert!(replay(&dir.write("picture.csv", b"\x89PNG\r\n\x1a\n\0\0")).contains("not a ledger"));
    let other = replay(&dir.write("other.csv", "date,amount\n1993-01-01,5\n"));
    assert!(other.contains("transaction,account,date") && other.contains("`date,amount`"), "{other}");
}

#[test]
fn overlong_lines_and_invalid_utf8_are_one_rejected_line_each() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let mut ledger = HEADER.as_bytes().to_vec();
    ledger.extend(b"t1,");
    ledger.resize(ledger.len() + 10_000_000, b'x');
    ledger.extend(b",,credit,,,1,\nt2,a-1,,credit,\xFF\xFE,,1,\nt3,a-1,,credit,,,1,\n");
    let ledger = dir.write("ledger.csv", ledger);
    let text = run(arguments(&["replay"], &[("", &ledger), ("--db", &db)])).success();
    assert!(text.contains("longer than 65536 bytes") && text.contains("UTF-8"), "{text}");
    assert_eq!(balances(&db), [("a-1".to_owned(), 1)].into());
}

#[test]
fn an_unusable_database_is_named_with_a_remedy() {
    let dir = TestDir::new();
    let text = dir.write("text.db", "this is a shopping list, not a database ".repeat(100));
    assert!(bank(&text, &["deposit", "a", "1"]).error().contains("not a SQLite database"));
    assert!(bank(&text, &["balances"]).error().contains("text.db"));
    assert!(bank(&dir.path(""), &["deposit", "a", "1"]).error().contains("is a directory"));
    assert!(bank(&dir.path("none/bank.db"), &["deposit", "a", "1"]).error().contains("create it first"));

    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a", "1"]).success();
    let mut bytes = fs::read(&db).expect("the database is readable");
    bytes.iter_mut().skip(100).for_each(|byte| *byte ^= 0x5A);
    let damaged = dir.write("damaged.db", bytes);
    let error = bank(&damaged, &["deposit", "a", "1"]).error();
    assert!(error.contains("damaged.db") && error.contains("restore a backup"), "{error}");
}

#[test]
fn a_read_only_database_is_named_with_a_remedy() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    bank(&db, &["deposit", "a", "1"]).success();
    let mut permissions = fs::metadata(&db).expect("the database exists").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&db, permissions).expect("permissions are changed");
    if fs::OpenOptions::new().write(true).open(&db).is_ok() {
        println!("skipped: this user can write to read-only files");
        return;
    }
    assert!(bank(&db, &["deposit", "a", "1"]).error().contains("read-only"));
}

#[test]
fn an_invalid_command_line_exits_with_2() {
    let dir = TestDir::new();
    let db = dir.path("bank.db");
    let cases: [(&[&str], &str); 6] = [
        (&["deposit", "a-1", "five"], "five"),
        (&["jobs", "--state", "sleeping"], "unknown job state `sleeping`"),
        (&["job", "17"], "17"),
        (&["deposit", "a-1", "5", "--lease", "never"], "not a number of seconds"),
        (&["deposit", "a-1", "5", "--lease", "0"], "between 0.1 seconds and 1 day"),
        (&["rob"], "rob"),
    ];
    for (words, message) in cases {
        let output = bank(&db, words);
        assert_eq!(output.code, Some(2), "{}", output.stderr);
        assert!(output.stderr.contains(message), "{}", output.stderr);
    }
    assert!(!db.exists());
}
