//! What `open` refuses, and that it says why and what to do.

mod common;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use enact::store::Store;
use enact_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::tempdir;

use common::{account, new_job, started, success, worker};

type Outcome = Result<(), Box<dyn Error>>;

#[track_caller]
fn assert_refused(path: &Path, words: &[&str]) {
    let builder = SqliteStore::builder(path).busy_timeout(Duration::from_millis(50));
    let error = builder.open().expect_err("it is refused").to_string();
    let name = path.display().to_string();
    for word in words.iter().chain([&name.as_str()]) {
        assert!(error.contains(word), "`{word}` is not in: {error}");
    }
}

#[test]
fn a_directory_that_does_not_exist_is_named() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("missing/bank.db");
    let missing = directory.path().join("missing").display().to_string();
    assert_refused(&path, &["no directory", &missing, "make it first"]);
    Ok(())
}

#[test]
fn a_directory_is_no_file() -> Outcome {
    let directory = tempdir()?;
    assert_refused(directory.path(), &["is a directory", "name a file"]);
    Ok(())
}

#[test]
fn a_store_in_memory_is_not_offered() {
    let error = SqliteStore::open(":memory:").expect_err("it is refused").to_string();
    assert!(error.contains("give it a path"), "{error}");
}

#[test]
fn a_file_that_cannot_be_written_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    drop(SqliteStore::open(&path)?);
    let mut permissions = fs::metadata(&path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions)?;
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        // Permissions do not bind root.
        return Ok(());
    }
    assert_refused(&path, &["read-only", "allow this process to write"]);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    assert_refused(Path::new("/proc/bank.db"), &["cannot be opened", "allow this process to read and write"]);
}

#[test]
fn a_file_that_is_no_database_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("notes.txt");
    let text = "dear diary, ".repeat(1000);
    fs::write(&path, &text)?;
    assert_refused(&path, &["no SQLite database", "name another file"]);
    assert_eq!(fs::read_to_string(&path)?, text, "it is left as it was");
    Ok(())
}

#[test]
fn a_damaged_database_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    drop(SqliteStore::open(&path)?);
    let mut bytes = fs::read(&path)?;
    bytes[100..4096].fill(0x5a);
    fs::write(&path, bytes)?;
    assert_refused(&path, &["damaged", "restore a backup"]);
    Ok(())
}

#[test]
fn another_programs_database_is_left_alone() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("photos.db");
    Connection::open(&path)?.execute_batch("CREATE TABLE photos (id); PRAGMA user_version = 3")?;
    let before = fs::read(&path)?;
    assert_refused(&path, &["another program's database", "name another file"]);
    assert_eq!(fs::read(&path)?, before, "not a byte has changed");
    Ok(())
}

#[test]
fn a_file_of_a_newer_version_is_refused() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    drop(SqliteStore::open(&path)?);
    Connection::open(&path)?.pragma_update(None, "user_version", 4711)?;
    assert_refused(&path, &["newer version", "4711", "upgrade enact-sqlite"]);
    Ok(())
}

#[test]
fn a_locked_file_is_refused_after_the_busy_timeout() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN EXCLUSIVE")?;
    assert_refused(&path, &["locked", "busy_timeout"]);
    other.execute_batch("ROLLBACK")?;
    SqliteStore::open(&path)?;
    Ok(())
}

#[test]
fn many_can_make_one_file_at_the_same_time() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let barrier = Arc::new(Barrier::new(8));
    let openers: Vec<_> = (0..8)
        .map(|_| {
            let (path, barrier) = (path.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                SqliteStore::open(path).map(drop)
            })
        })
        .collect();
    for opener in openers {
        opener.join().expect("no panic")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_closed_store_is_one_file_that_opens_with_all_that_was_written() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let worker = worker("w");
    let job = started("withdraw", &worker);
    let store = SqliteStore::open(&path)?;
    store.submit(Vec::new(), vec![job.clone(), new_job("withdraw")]).await?;
    store.commit(success(&job, &worker, "a-1")).await?;
    drop(store);

    let files: Vec<_> = fs::read_dir(directory.path())?.collect::<Result<_, _>>()?;
    assert_eq!(files.len(), 1, "no log is left beside the database: {files:?}");
    let store = SqliteStore::open(&path)?;
    assert!(store.load(&account("a-1")).await?.is_some());
    Ok(())
}
