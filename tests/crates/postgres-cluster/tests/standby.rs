//! A standby receives what the primary commits, and is promoted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod common;

use std::thread;

use postgres_cluster::{Cluster, Replication, Stop, or_left_out};

#[test]
fn a_standby_receives_and_is_promoted() {
    let Some(primary) = or_left_out("a_standby_receives_and_is_promoted", Cluster::start()) else { return };
    primary.query("CREATE TABLE kept AS SELECT 1 AS value").unwrap();
    let standby = primary.standby(Replication::Asynchronous).unwrap();
    assert_eq!(standby.query("SELECT pg_is_in_recovery(), value FROM kept").unwrap(), "t|1");
    primary.query("INSERT INTO kept VALUES (2)").unwrap();
    common::until("the standby has the row", || standby.query("SELECT count(*) FROM kept").unwrap() == "2");
    assert!(standby.query("DELETE FROM kept").unwrap_err().to_string().contains("read-only"));
    primary.kill().unwrap();
    standby.promote().unwrap();
    standby.query("DELETE FROM kept WHERE value = 1").unwrap();
    standby.restart().unwrap();
    assert_eq!(standby.query("SELECT pg_is_in_recovery(), value FROM kept").unwrap(), "f|2");
}

#[test]
fn a_commit_waits_for_a_synchronous_standby() {
    let Some(primary) = or_left_out("a_commit_waits_for_a_synchronous_standby", Cluster::start()) else {
        return;
    };
    let first = primary.standby(Replication::Synchronous).unwrap();
    let second = primary.standby(Replication::Synchronous).unwrap();
    drop(first);
    primary.query("CREATE TABLE kept (value int)").unwrap();
    second.stop(Stop::Fast).unwrap();
    thread::scope(|scope| {
        let commit = scope.spawn(|| primary.query("INSERT INTO kept VALUES (1)"));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        common::until("the commit waits", || primary.query(waiting).unwrap() == "1");
        assert!(!commit.is_finished());
        second.restart().unwrap();
        commit.join().unwrap().unwrap();
    });
    primary.kill().unwrap();
    second.promote().unwrap();
    // It waits for no standby of its own.
    second.query("INSERT INTO kept VALUES (2)").unwrap();
    assert_eq!(second.query("SELECT count(*) FROM kept").unwrap(), "2");
}
