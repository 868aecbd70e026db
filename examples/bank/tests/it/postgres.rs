//! The bank on a `PostgreSQL` database: the same commands, the same answers.

use std::path::Path;

use bank::ledger::COLUMNS;

use crate::program::{TestDir, balances, bank, replay};

#[test]
fn every_command_runs_on_a_server() {
    let Some(server) = postgres_cluster::shared_or_left_out("bank") else { return };
    let dir = TestDir::new();
    let url = server.url();
    let password = url.split([':', '@']).nth(2).expect("a password");
    let db = Path::new(&url);
    let error = bank(db, &["balances"]).error();
    assert!(error.contains("the schema is not there") && !error.contains(password), "{error}");

    bank(db, &["open", "a-1", "Ada"]).success();
    bank(db, &["deposit", "a-1", "500"]).success();
    bank(db, &["deposit", "b-2", "1"]).success();
    bank(db, &["transfer", "a-1", "b-2", "200", "--id", "t-1"]).success();
    assert!(bank(db, &["transfers", "t-1"]).success().contains("completed"));
    assert_eq!(balances(db), [("a-1".to_owned(), 300), ("b-2".to_owned(), 201)].into());

    let failed = bank(db, &["withdraw", "a-1", "1000", "--json"]);
    assert_eq!(failed.code, Some(1));
    let job = failed.json()["job"].as_str().expect("a job").to_owned();
    assert!(bank(db, &["jobs", "--state", "failed"]).success().contains("Withdraw"));
    assert_eq!(bank(db, &["job", &job, "--json"]).json()["job"]["state"], "failed");
    assert!(bank(db, &["tree", &job]).success().contains("Withdraw"));
    bank(db, &["retry", &job]).success();
    bank(db, &["cancel", &job]).success();
    assert_eq!(bank(db, &["job", &job, "--json"]).json()["job"]["state"], "cancelled");
    bank(db, &["orphans"]).success();
    bank(db, &["prune", "--older-than", "0s"]).success();
    assert!(bank(db, &["job", &job]).error().contains("not found"));

    let row = "t1,c-3,2026-01-02,credit,,,700,";
    let ledger = dir.write("ledger.csv", format!("{}\n{row}\n", COLUMNS.join(",")));
    replay(db, &ledger);
    assert_eq!(balances(db)["c-3"], 700);

    for command in [&["backup", "backup.db"][..], &["restore", "backup.db"], &["check"]] {
        let error = bank(db, command).error();
        assert!(error.contains("pg_dump") && !error.contains(password), "{error}");
    }
}
