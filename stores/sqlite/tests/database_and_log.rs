//! A database, the log beside it and copies of both. What does not belong together is refused, and what does is whole: nothing that was
//! confirmed is lost silently, no state is a blend of two, and no other program costs a store its log.

mod common;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use enact::Json;
use enact::store::Store;
use enact_sqlite::{SqliteStore, Synchronous};
use rusqlite::Connection;
use tempfile::tempdir;

use common::database::{assert_refused, assert_says, beside, jobs_of, publish, publish_many, stored};
use common::process::{self, DATABASE, Process, crash, take_orders};
use common::{Outcome, new_job};

#[tokio::test]
#[ignore = "started by the tests below in a process of its own"]
async fn a_process_that_takes_orders() -> Outcome {
    take_orders().await
}

#[tokio::test]
async fn a_database_of_another_life_beside_the_log_of_a_crash_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let (copy, other) = (directory.path().join("copy.db"), directory.path().join("other.db"));
    // A copy of the file, without its log, from a life before, and from another database.
    for from in [&path, &other] {
        let store = SqliteStore::open(from)?;
        publish_many(&store, 20).await?;
        fs::copy(from, &copy)?;
        drop(store);
        crash(&path, 40)?;
        let crashed = fs::read(&path)?;
        fs::copy(&copy, &path)?;
        assert_refused(&path, &["bank.db-wal", "log of another database"]);
        // Put back, it is whole.
        fs::write(&path, crashed)?;
        jobs_of(&path).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_of_an_open_database_is_refused_without_its_log_and_whole_with_it() -> Outcome {
    for count in [0, 50, 500, 6000] {
        let directory = tempdir()?;
        let (path, copy) = (directory.path().join("bank.db"), directory.path().join("copy.db"));
        let mut process = Process::start(&path)?;
        let ids = process.publish(count)?;
        fs::copy(&path, &copy)?;
        assert_refused(
            &copy,
            &["copy of a database that was open", "SqliteStore::backup", "journal_mode = delete"],
        );
        let error =
            SqliteStore::restore(&copy, directory.path().join("new.db")).expect_err("it is no backup");
        assert_says(&error, &["copy of a database that was open"]);
        fs::copy(beside(&path, "-wal"), beside(&copy, "-wal"))?;
        assert_eq!(jobs_of(&copy).await?, ids);
        process.kill()?;
        assert_eq!(jobs_of(&path).await?, ids);
    }
    Ok(())
}

#[tokio::test]
async fn a_copy_that_another_tool_made_whole_is_used_when_it_is_declared_so() -> Outcome {
    let directory = tempdir()?;
    let (path, copy) = (directory.path().join("bank.db"), directory.path().join("copy.db"));
    let ids = crash(&path, 50)?;
    // A shell copies the log into the file and deletes it. The file is the one that was open.
    Connection::open(&path)?.query_row("SELECT count(*) FROM job_specs", [], |_| Ok(()))?;
    assert!(!beside(&path, "-wal").exists());
    fs::copy(&path, &copy)?;
    assert_refused(&copy, &["copy of a database that was open"]);
    Connection::open(&copy)?.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    assert_eq!(jobs_of(&copy).await?, ids);
    assert_eq!(jobs_of(&path).await?, ids);
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_emptied_or_truncated_while_it_is_open_is_not_written() -> Outcome {
    for (length, ends) in [0, 4096, 5 * 4096 + 7, 100 * 4096]
        .into_iter()
        .flat_map(|length| ["killed", "closed", "closed at once"].map(|ends| (length, ends)))
    {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        let mut process = Process::start(&path)?;
        // More than a log.
        process.publish(6000)?;
        File::options().write(true).open(&path)?.set_len(length)?;
        let word = if length == 0 { "is empty" } else { "was truncated" };
        if ends != "closed at once" {
            let refusal = process.order("publish 1")?;
            assert!(refusal.contains(word) && refusal.contains("SqliteStore::restore"), "{refusal}");
        }
        if ends == "killed" {
            process.kill()?;
        } else {
            process.finish()?;
        }
        assert_refused(&path, &[word, "SqliteStore::restore"]);
    }
    Ok(())
}

#[tokio::test]
async fn an_emptied_database_whose_pages_are_all_in_the_log_keeps_the_log() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    crash(&path, 40)?;
    File::options().write(true).open(&path)?.set_len(0)?;
    assert_refused(&path, &["is empty", "write-ahead log", "SqliteStore::restore"]);
    Ok(())
}

/// The page size, and the offset and page number of each frame.
fn frames(log: &[u8]) -> (usize, Vec<(usize, u32)>) {
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().expect("four bytes"));
    let page_size = word(8) as usize;
    let salt = word(16);
    let all = (32..log.len() - 24).step_by(24 + page_size).map(|at| (at, word(at), word(at + 8)));
    (page_size, all.take_while(|frame| frame.2 == salt).map(|(at, page, _)| (at, page)).collect())
}

#[tokio::test]
async fn a_crash_while_the_log_is_copied_back_is_no_truncation() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let ids = crash(&path, 300)?;
    // As if it had been killed after the first page, which has the size that the database is about to have.
    let log = fs::read(beside(&path, "-wal"))?;
    let (page_size, frames) = frames(&log);
    let last = frames.iter().rfind(|(_, page)| *page == 1).expect("a frame of page 1").0;
    let mut database = File::options().write(true).open(&path)?;
    let pages = database.metadata()?.len() / page_size as u64;
    assert!(frames.iter().any(|(_, page)| u64::from(*page) > pages), "it is about to grow");
    database.seek(SeekFrom::Start(0))?;
    database.write_all(&log[last + 24..last + 24 + page_size])?;
    drop(database);
    assert_eq!(jobs_of(&path).await?, ids);
    Ok(())
}

/// The number of the log, which grows by one each time the log starts again.
fn log_number(database: &Path) -> Result<u32, Box<dyn Error>> {
    let mut header = [0; 20];
    File::open(beside(database, "-wal"))?.read_exact(&mut header)?;
    Ok(u32::from_be_bytes(header[16..].try_into()?))
}

/// The number of the log that the database itself notes, whatever is in its log.
fn noted_log(database: &Path) -> Result<u32, rusqlite::Error> {
    let connection = Connection::open(format!("file:{}?immutable=1", database.display()))?;
    connection.query_row("SELECT log FROM file", [], |row| row.get(0))
}

#[tokio::test]
async fn a_crash_after_any_number_of_logs_is_no_other_log() -> Outcome {
    // Of one transaction each, and of several.
    for bytes in [1 << 20, 20 << 20] {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
        let mut ids = Vec::new();
        let (mut logs, mut last) = (0, log_number(&path)?);
        while logs < 5 {
            let mut job = new_job("withdraw");
            job.payload = Json::from_text(format!(r#""{}""#, "x".repeat(bytes)));
            ids.push(job.id);
            store.submit(Vec::new(), vec![job]).await?;
            let now = log_number(&path)?;
            if now == last {
                continue;
            }
            logs += 1;
            last = now;
            // As a crash would leave them.
            let crashed = directory.path().join("crashed.db");
            fs::copy(&path, &crashed)?;
            fs::copy(beside(&path, "-wal"), beside(&crashed, "-wal"))?;
            assert_eq!(stored(&SqliteStore::open(&crashed)?).await?, ids, "log {logs}");
            fs::remove_file(&crashed)?;
        }
    }
    Ok(())
}

/// Another program changes the database, or its log.
fn run_in_shell(path: &Path, sql: &str) -> Outcome {
    Ok(Connection::open(path)?.execute_batch(sql)?)
}

#[tokio::test]
async fn a_copy_is_refused_beside_a_log_of_another_time_and_whole_beside_that_of_its_time() -> Outcome {
    const WORDS: [&str; 2] = ["copy.db-wal", "log of another database"];
    let directory = tempdir()?;
    let (path, copy) = (directory.path().join("bank.db"), directory.path().join("copy.db"));
    let store = SqliteStore::open(&path)?;
    let mut ids = vec![publish(&store).await?];
    fs::copy(&path, &copy)?;
    let noted = noted_log(&copy)?;
    let (mut refused, mut largest_lag) = (Vec::new(), 0);
    while refused.len() < 3 {
        run_in_shell(&path, "PRAGMA wal_checkpoint(RESTART)")?;
        ids.push(publish(&store).await?);
        let number = log_number(&path)?;
        fs::copy(beside(&path, "-wal"), beside(&path, &format!("-log-{number}")))?;
        let whole = directory.path().join(format!("whole-{number}.db"));
        fs::copy(&path, &whole)?;
        fs::copy(beside(&path, "-wal"), beside(&whole, "-wal"))?;
        largest_lag = number.wrapping_sub(noted_log(&whole)?).max(largest_lag);
        assert_eq!(jobs_of(&whole).await?, ids);
        let restarts = number.wrapping_sub(noted);
        if restarts >= 3 {
            fs::copy(beside(&path, "-wal"), beside(&copy, "-wal"))?;
            assert_refused(&copy, &WORDS);
            refused.push(restarts);
        }
    }
    assert_eq!((refused, largest_lag), (vec![3, 4, 5], 2));

    // The log is the earlier one.
    fs::copy(&path, &copy)?;
    let earlier = noted_log(&copy)?.wrapping_sub(1);
    fs::copy(beside(&path, &format!("-log-{earlier}")), beside(&copy, "-wal"))?;
    assert_refused(&copy, &WORDS);
    Ok(())
}

#[tokio::test]
async fn what_other_programs_do_while_it_is_open_is_no_other_log_after_a_crash() -> Outcome {
    let truncate = "PRAGMA wal_checkpoint(TRUNCATE);";
    for (sql, times, between) in [
        ("VACUUM", 1, 0),
        ("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", 1, 0),
        ("ANALYZE; PRAGMA wal_checkpoint(PASSIVE)", 1, 0),
        (truncate, 1, 0),
        (truncate, 4, 0),
        (truncate, 4, 1),
        ("PRAGMA wal_checkpoint(RESTART); UPDATE names SET failed = failed", 5, 0),
    ] {
        for after in [0, 10, 6000] {
            let directory = tempdir()?;
            let path = directory.path().join("bank.db");
            let mut process = Process::start(&path)?;
            let mut ids = process.publish(3000)?;
            for _ in 0..times {
                run_in_shell(&path, sql)?;
                ids.extend(process.publish(between)?);
            }
            ids.extend(process.publish(after)?);
            process.kill()?;
            if after == 0 && times > 3 && between == 0 && sql != truncate {
                // The store was not told: it has written nothing since.
                continue;
            }
            assert_eq!(jobs_of(&path).await?, ids, "{sql}, {times} times, {after} jobs after");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_tool_that_keeps_the_database_open_across_crashes_is_no_cause_of_another_log() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let mut ids = crash(&path, 50)?;
    // It deletes the log.
    look(&path)?;
    let tool = Connection::open(&path)?;
    tool.query_row("SELECT count(*) FROM job_specs", [], |_| Ok(()))?;
    for _ in 0..3 {
        ids.extend(crash(&path, 50)?);
        run_in_shell(&path, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    assert_eq!(jobs_of(&path).await?, ids);
    drop(tool);
    assert_eq!(jobs_of(&path).await?, ids);
    Ok(())
}

#[tokio::test]
async fn a_tool_may_turn_the_log_on_in_a_closed_database() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let ids = publish_many(&SqliteStore::open(&path)?, 5).await?;
    let tool = Connection::open(&path)?;
    tool.execute_batch(
        "PRAGMA journal_mode = wal; CREATE TABLE replica (id INTEGER); INSERT INTO replica VALUES (1)",
    )?;
    assert_eq!(jobs_of(&path).await?, ids);
    Ok(())
}

#[tokio::test]
async fn a_store_whose_database_was_moved_away_leaves_the_log_of_the_new_one() -> Outcome {
    let directory = tempdir()?;
    let (path, away) = (directory.path().join("bank.db"), directory.path().join("away.db"));
    let mut old = Process::start(&path)?;
    let moved = old.publish(50)?;
    for suffix in ["", "-wal", "-shm"] {
        fs::rename(beside(&path, suffix), beside(&away, suffix))?;
    }
    let mut new = Process::start(&path)?;
    let ids = new.publish(50)?;
    old.finish()?;
    new.kill()?;
    assert_eq!(jobs_of(&path).await?, ids);
    assert_eq!(jobs_of(&away).await?, moved);
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_of_any_name_is_opened_after_a_crash() -> Outcome {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    for name in [&b"a%20b?mode=ro#x.db"[..], b"ba\xffnk.db", b"'; --.db"] {
        let directory = tempdir()?;
        let path = directory.path().join(OsStr::from_bytes(name));
        let ids = crash(&path, 50)?;
        let log = fs::read_dir(directory.path())?.find_map(|entry| {
            let path = entry.ok()?.path();
            path.as_os_str().as_bytes().ends_with(b"-wal").then_some(path)
        });
        assert!(log.is_some_and(|log| log.metadata().is_ok_and(|log| log.len() > 0)));
        assert_eq!(jobs_of(&path).await?, ids);
    }
    Ok(())
}

/// Another program looks at the database, and closes it.
fn look(path: &Path) -> Result<i64, rusqlite::Error> {
    Connection::open(path)?.query_row("SELECT count(*) FROM job_specs", [], |row| row.get(0))
}

#[tokio::test]
async fn a_look_by_another_program_leaves_the_log() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let mut process = Process::start(&path)?;
    let mut ids = process.publish(50)?;
    assert_eq!(look(&path)?, 50);
    ids.extend(process.publish(50)?);
    process.kill()?;
    assert_eq!(jobs_of(&path).await?, ids);
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_copy_by_the_process_itself_does_not_cost_it_the_log() -> Outcome {
    for suffixes in [&[""][..], &["-wal"], &["-shm"], &["", "-wal", "-shm"]] {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        let mut process = Process::start(&path)?;
        let mut ids = process.publish(50)?;
        for suffix in suffixes {
            process.order(&format!("copy {}", beside(&path, suffix).display()))?;
        }
        assert_eq!(look(&path)?, 50);
        // Another store comes and goes.
        ids.push(publish(&SqliteStore::open(&path)?).await?);
        ids.extend(process.publish(50)?);
        process.kill()?;
        assert_eq!(jobs_of(&path).await?, ids, "after a copy of {suffixes:?}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "started by the test below in a process of its own"]
async fn a_process_that_wants_to_write() -> Outcome {
    let connection = Connection::open(env::var(DATABASE)?)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_closed_or_refused_costs_others_of_the_process_no_lock() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::open(&path)?;
    publish(&store).await?;
    let second = SqliteStore::open(&path)?;
    // A transaction of this process: of a store, or of another library.
    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN IMMEDIATE; UPDATE names SET failed = failed")?;
    drop(second);
    SqliteStore::builder(&path).file_mode(0).open().expect_err("it is refused");
    let backup = directory.path().join("backup.db");
    SqliteStore::restore(backup, &path).expect_err("it is refused");
    drop(store);
    let output = process::command("a_process_that_wants_to_write")?.env(DATABASE, &path).output()?;
    assert!(!output.status.success(), "two write at the same time");
    assert!(String::from_utf8_lossy(&output.stderr).contains("database is locked"));
    Ok(())
}

#[tokio::test]
async fn processes_that_come_and_go_and_are_killed_share_a_database() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let mut ids = Vec::new();
    let mut processes: Vec<Process> = Vec::new();
    for round in 0..12 {
        processes.push(Process::start(&path)?);
        for process in &mut processes {
            ids.extend(process.publish(200)?);
        }
        if processes.len() == 3 {
            let process = processes.remove(round % 3);
            if round % 2 == 0 { process.kill()? } else { process.finish()? }
        }
        if round % 4 == 3 {
            for process in processes.drain(..) {
                process.kill()?;
            }
        }
    }
    for process in processes {
        process.kill()?;
    }
    let mut stored = jobs_of(&path).await?;
    ids.sort();
    stored.sort();
    assert_eq!(stored, ids);
    Ok(())
}

#[tokio::test]
async fn a_closed_database_is_one_file_that_any_copy_of_is_whole() -> Outcome {
    let directory = tempdir()?;
    let (path, copy) = (directory.path().join("bank.db"), directory.path().join("copy.db"));
    let mut ids = publish_many(&SqliteStore::open(&path)?, 20).await?;
    assert_eq!(fs::read_dir(directory.path())?.count(), 1);
    fs::copy(&path, &copy)?;
    assert_eq!(jobs_of(&copy).await?, ids);
    ids.push(publish(&SqliteStore::open(&copy)?).await?);
    assert_eq!(jobs_of(&copy).await?, ids);
    Ok(())
}
