//! A cluster runs, and keeps its data when it is stopped, killed and restarted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod common;

use std::process::Stdio;

use postgres_cluster::{Cluster, Stop, or_left_out, shared_or_left_out};
use tokio_postgres::{Client, NoTls};

/// Runs a statement over TCP, as a program does.
fn ask(url: &str, sql: &str) -> Result<String, tokio_postgres::Error> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let client = connect(url).await?;
        Ok(client.query_one(sql, &[]).await?.get(0))
    })
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[test]
fn the_shared_cluster_answers_over_tcp_and_over_its_socket() {
    let Some(cluster) = shared_or_left_out("the_shared_cluster_answers") else { return };
    assert_eq!(ask(&cluster.url(), "SHOW max_connections").unwrap(), "300");
    assert_eq!(cluster.query("SHOW fsync").unwrap(), "off");
    assert_eq!(cluster.query("SELECT 1, 2 UNION SELECT 3, 4 ORDER BY 1").unwrap(), "1|2\n3|4");
    assert!(cluster.query("SELECT nothing").unwrap_err().to_string().contains("does not exist"));
}

#[test]
fn there_is_one_shared_cluster() {
    let Some(cluster) = shared_or_left_out("there_is_one_shared_cluster") else { return };
    assert_eq!(cluster.url(), postgres_cluster::shared().unwrap().url());
}

#[test]
fn a_url_names_any_database() {
    let Some(cluster) = shared_or_left_out("a_url_names_any_database") else { return };
    cluster.query(r#"CREATE DATABASE "a/b é""#).unwrap();
    assert_eq!(ask(&cluster.url_of("a/b é"), "SELECT current_database()::text").unwrap(), "a/b é");
}

#[test]
fn a_connection_over_tcp_needs_the_password() {
    let Some(cluster) = shared_or_left_out("a_connection_over_tcp_needs_the_password") else { return };
    let (_, address) =
        cluster.url().split_once('@').map(|(user, address)| (user.to_owned(), address.to_owned())).unwrap();
    let refused = ask(&format!("postgres://postgres:guessed@{address}"), "SELECT 'in'").unwrap_err();
    assert_eq!(refused.code(), Some(&tokio_postgres::error::SqlState::INVALID_PASSWORD));
}

#[test]
fn a_setting_has_any_value() {
    let builder = Cluster::builder().setting("cluster_name", r"it's a \ ").setting("fsync", "on");
    let Some(cluster) = or_left_out("a_setting_has_any_value", builder.start()) else { return };
    assert_eq!(
        cluster.query("SELECT '<' || current_setting('cluster_name') || '>'").unwrap(),
        r"<it's a \ >"
    );
    assert_eq!(cluster.query("SHOW fsync").unwrap(), "on");
}

#[test]
fn a_wrong_setting_fails_the_start_with_the_log() {
    if !common::is_installed("a_wrong_setting_fails_the_start") {
        return;
    }
    let error = Cluster::builder().setting("no_such_setting", "1").start().unwrap_err().to_string();
    assert!(error.contains("no_such_setting"), "{error}");
}

#[test]
fn a_restart_keeps_data_and_url() {
    let Some(cluster) = or_left_out("a_restart_keeps_data_and_url", Cluster::start()) else { return };
    cluster.query("CREATE TABLE kept AS SELECT 7 AS value").unwrap();
    cluster.restart().unwrap();
    for how in [Stop::Smart, Stop::Fast, Stop::Immediate] {
        cluster.stop(how).unwrap();
        cluster.stop(how).unwrap();
        assert!(ask(&cluster.url(), "SELECT 1::text").is_err(), "{how:?}");
        cluster.restart().unwrap();
        assert_eq!(ask(&cluster.url(), "SELECT value::text FROM kept").unwrap(), "7", "{how:?}");
    }
}

#[test]
fn an_immediate_stop_keeps_what_was_committed() {
    let started = Cluster::builder().setting("fsync", "on").start();
    let Some(cluster) = or_left_out("an_immediate_stop_keeps_what_was_committed", started) else { return };
    cluster.query("CREATE TABLE kept (value int)").unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let (committed, open) =
            (connect(&cluster.url()).await.unwrap(), connect(&cluster.url()).await.unwrap());
        committed.batch_execute("INSERT INTO kept VALUES (1)").await.unwrap();
        open.batch_execute("BEGIN; INSERT INTO kept VALUES (2)").await.unwrap();
        cluster.stop(Stop::Immediate).unwrap();
    });
    cluster.restart().unwrap();
    assert_eq!(cluster.query("SELECT value FROM kept").unwrap(), "1");
    let log = std::fs::read_to_string(cluster.directory().join("log")).unwrap();
    assert!(log.contains("automatic recovery in progress"), "{log}");
}

#[test]
fn a_server_that_was_killed_restarts_while_its_backends_end() {
    let Some(cluster) = or_left_out("a_server_that_was_killed_restarts", Cluster::start()) else { return };
    cluster.query("CREATE TABLE kept AS SELECT 7 AS value").unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let _clients = [connect(&cluster.url()).await.unwrap(), connect(&cluster.url()).await.unwrap()];
        let server = common::server(&cluster);
        cluster.kill().unwrap();
        assert!(!common::is_alive(server));
        cluster.restart().unwrap();
    });
    assert_eq!(cluster.query("SELECT value FROM kept").unwrap(), "7");
}

#[test]
fn dropping_a_cluster_removes_it() {
    let Some(cluster) = or_left_out("dropping_a_cluster_removes_it", Cluster::start()) else { return };
    let (server, directory) = (common::server(&cluster), cluster.directory().to_owned());
    drop(cluster);
    assert!(!common::is_alive(server));
    assert!(!directory.exists());
}

#[test]
fn dropping_a_killed_cluster_removes_it() {
    let Some(cluster) = or_left_out("dropping_a_killed_cluster_removes_it", Cluster::start()) else { return };
    let directory = cluster.directory().to_owned();
    cluster.kill().unwrap();
    drop(cluster);
    assert!(!directory.exists());
}

#[test]
fn a_test_without_a_server_is_left_out_visibly() {
    let mut command = common::command("a_test_that_needs_a_server");
    let output = command.env("ENACT_POSTGRES_BIN", "/nowhere").stdout(Stdio::piped()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("1 passed"), "{out}\n{err}");
    assert!(
        err.lines().any(|line| line == "LEFT OUT: this test: needs PostgreSQL 15 or later, see .ci/postgres"),
        "{err}"
    );
}

#[test]
#[ignore = "started by the test above in a process of its own"]
fn a_test_that_needs_a_server() {
    let error = postgres_cluster::shared().unwrap_err().to_string();
    assert!(error.contains("searched /nowhere (has no postgres). Install "), "{error}");
    assert!(shared_or_left_out("this test").is_none());
}
