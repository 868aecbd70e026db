//! Disk full, file gone, file locked: no job is lost, and every error says what to do.

mod common;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use enact::store::{Store, StoreError, Submitted};
use enact::{JobId, JobState, Json};
use enact_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use common::database::{assert_says, stored};
use common::process::{assert_passed, command};
use common::{Outcome, claim, new_job, started, success, worker};

async fn publish(store: &SqliteStore) -> Result<JobId, StoreError> {
    let mut job = new_job("withdraw");
    job.payload = Json::from_text(format!("\"{}\"", "x".repeat(2000)));
    let id = job.id;
    assert_eq!(store.submit(Vec::new(), vec![job]).await?, [Submitted::New]);
    Ok(id)
}

#[cfg(target_os = "linux")]
mod disk_full {
    //! Runs a process of its own whose disk is full.

    use super::*;
    use common::process::DATABASE;

    /// A shell command that frees space on the disk.
    const FREE_SPACE: &str = "ENACT_TEST_FREE_SPACE";

    const MOUNT: &str = "mount -t tmpfs -o size=2m tmpfs \"$DISK\"";

    /// Runs [`a_process_with_a_full_disk`] after some shell commands. `$0` is the test program.
    fn run(shell: &mut Command, before: &str, database: &Path, free_space: &str) -> std::io::Result<Output> {
        let script = format!(
            "{before} && exec \"$0\" --exact disk_full::a_process_with_a_full_disk --ignored --nocapture"
        );
        let child = shell.args(["-c", &script]).arg(env::current_exe()?);
        child.env(DATABASE, database).env(FREE_SPACE, free_space).output()
    }

    #[test]
    fn a_file_at_its_size_limit_refuses_whole_calls_and_goes_on_when_it_is_raised() -> Outcome {
        if Command::new("prlimit").arg("--version").output().is_err() {
            eprintln!("skipped: `prlimit` is not installed");
            return Ok(());
        }
        let directory = tempdir()?;
        let database = directory.path().join("bank.db");
        // With the signal ignored, a write beyond the limit fails as on a full disk.
        let limit = "trap '' XFSZ && ulimit -S -f 1024";
        let free_space = "prlimit --pid $PPID --fsize=unlimited";
        let output = run(&mut Command::new("sh"), limit, &database, free_space)?;
        let out = assert_passed(&output);

        let store = SqliteStore::open(&database)?;
        let runtime = tokio::runtime::Runtime::new()?;
        let accepted: Vec<JobId> =
            out.lines().filter_map(|line| line.strip_prefix("accepted ")?.parse().ok()).collect();
        assert!(!accepted.is_empty());
        assert_eq!(runtime.block_on(stored(&store))?, accepted);
        Ok(())
    }

    #[test]
    fn a_full_disk_refuses_whole_calls_and_goes_on_when_there_is_space() -> Outcome {
        let directory = tempdir()?;
        let disk = directory.path().join("disk");
        fs::create_dir(&disk)?;
        let small_disk = || {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--mount", "sh"]).env("DISK", &disk);
            command
        };
        if !small_disk().args(["-c", MOUNT]).output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: only root may mount a disk");
            return Ok(());
        }
        let fill = format!("{MOUNT} && head -c 1m /dev/zero > \"$DISK/ballast\"");
        let database = disk.join("bank.db");
        assert_passed(&run(&mut small_disk(), &fill, &database, "rm \"$DISK/ballast\"")?);
        Ok(())
    }

    #[tokio::test]
    #[ignore = "started by the tests above in a process of its own"]
    async fn a_process_with_a_full_disk() -> Outcome {
        let path = PathBuf::from(env::var(DATABASE)?);
        let store = SqliteStore::open(&path)?;
        let worker = worker("w");
        let running = started("withdraw", &worker);
        store.submit(Vec::new(), vec![running.clone()]).await?;

        let mut accepted = vec![running.id];
        let error = loop {
            match publish(&store).await {
                Ok(id) => accepted.push(id),
                Err(error) => break error,
            }
        };
        assert_says(&error, &["bank.db", "disk", "then retry"]);
        assert!(publish(&store).await.is_err(), "there is no space yet");
        assert_eq!(stored(&store).await?, accepted, "reads go on, and refused calls store nothing");

        let made = Command::new("sh").args(["-c", &env::var(FREE_SPACE)?]).output()?;
        assert!(made.status.success(), "{made:?}");
        store.commit(success(&running, &worker, "a-1")).await?;
        accepted.push(publish(&store).await?);
        let claimed: Vec<_> = claim(&store, &worker, 10_000).await.jobs.iter().map(|job| job.id).collect();
        assert_eq!(claimed, accepted[1..]);
        assert_eq!(stored(&store).await?, accepted);

        drop(store);
        let store = SqliteStore::open(&path)?;
        assert_eq!(stored(&store).await?, accepted);
        for id in accepted {
            println!("accepted {id}");
        }
        Ok(())
    }
}

#[cfg(unix)]
mod too_many_files {
    //! Runs a process of its own that may open few files.

    use std::fs::File;

    use super::*;

    const DIRECTORY: &str = "ENACT_TEST_DIRECTORY";

    #[test]
    fn the_advice_is_to_raise_the_limit() -> Outcome {
        let directory = tempdir()?;
        drop(SqliteStore::open(directory.path().join("old.db"))?);
        let script = "ulimit -n 48 && exec \"$0\" --exact too_many_files::a_process_with_few_files --ignored --nocapture";
        let mut shell = Command::new("sh");
        let child = shell.args(["-c", script]).arg(env::current_exe()?).env(DIRECTORY, directory.path());
        assert_passed(&child.output()?);
        Ok(())
    }

    #[tokio::test]
    #[ignore = "started by the test above in a process of its own"]
    async fn a_process_with_few_files() -> Outcome {
        let directory = PathBuf::from(env::var(DIRECTORY)?);
        for name in ["old.db", "new.db"] {
            // As many as the limit allows, then one less in each round.
            let mut others = Vec::new();
            while let Ok(other) = File::open("/") {
                others.push(other);
            }
            let mut refused = 0;
            let store = loop {
                match SqliteStore::open(directory.join(name)) {
                    Ok(store) => break store,
                    Err(error) => assert_says(&error, &[name, "too many open files", "ulimit -n"]),
                }
                refused += 1;
                assert!(others.pop().is_some(), "it opens when nothing else is open");
            };
            assert!(refused > 5, "each file was refused: {refused}");
            publish(&store).await?;
        }
        Ok(())
    }
}

#[cfg(unix)]
mod file_gone {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    pub(super) async fn opened() -> Result<(TempDir, PathBuf, SqliteStore, Vec<JobId>), Box<dyn Error>> {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        let store = SqliteStore::open(&path)?;
        let first = publish(&store).await?;
        Ok((directory, path, store, vec![first]))
    }

    /// Publishes until that is refused.
    pub(super) async fn refused(store: &SqliteStore, accepted: &mut Vec<JobId>) -> StoreError {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match publish(store).await {
                Ok(id) => accepted.push(id),
                Err(error) => return error,
            }
            assert!(Instant::now() < deadline, "the missing file was not detected");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn writes_to_a_deleted_file_are_refused() -> Outcome {
        let (_directory, path, store, mut accepted) = opened().await?;
        fs::remove_file(&path)?;
        let error = refused(&store, &mut accepted).await;
        assert_says(
            &error,
            &["bank.db", "deleted, moved or replaced", "restore a backup", "reopen the store"],
        );
        assert!(publish(&store).await.is_err(), "later writes are refused too");
        assert_eq!(stored(&store).await?, accepted, "confirmed jobs can be read while the store is open");
        Ok(())
    }

    #[tokio::test]
    async fn writes_to_a_file_without_its_log_are_refused() -> Outcome {
        let (_directory, path, store, mut accepted) = opened().await?;
        fs::remove_file(path.with_extension("db-wal"))?;
        assert_says(&refused(&store, &mut accepted).await, &["bank.db-wal", "deleted, moved or replaced"]);
        Ok(())
    }

    #[tokio::test]
    async fn writes_go_on_when_a_moved_file_is_back() -> Outcome {
        let (directory, path, store, mut accepted) = opened().await?;
        let elsewhere = directory.path().join("elsewhere.db");
        fs::rename(&path, &elsewhere)?;
        refused(&store, &mut accepted).await;
        fs::rename(&elsewhere, &path)?;
        accepted.push(publish(&store).await?);
        assert_eq!(stored(&store).await?, accepted);
        drop(store);
        assert_eq!(stored(&SqliteStore::open(&path)?).await?, accepted);
        Ok(())
    }

    #[tokio::test]
    async fn a_replacement_of_the_file_is_not_written_to() -> Outcome {
        let (directory, path, store, mut accepted) = opened().await?;
        let backup = directory.path().join("backup.db");
        Connection::open(&path)?.execute("VACUUM INTO ?1", [backup.to_str().expect("its name is UTF-8")])?;
        let bytes = fs::read(&backup)?;
        fs::rename(&backup, &path)?;
        assert_says(&refused(&store, &mut accepted).await, &["bank.db", "replaced"]);
        drop(store);
        assert_eq!(fs::read(&path)?, bytes);
        Ok(())
    }
}

#[cfg(unix)]
mod names {
    use std::os::unix::fs::symlink;

    use super::file_gone::{opened, refused};
    use super::*;

    const DIRECTORY: &str = "ENACT_TEST_DIRECTORY";
    const WORDS: [&str; 4] =
        ["bank.db", "2 names (hard links)", "damages the database", "Delete the other names"];

    #[tokio::test]
    async fn a_file_with_two_names_is_not_opened() -> Outcome {
        let (directory, path, store, accepted) = opened().await?;
        drop(store);
        let link = directory.path().join("link-of-bank.db");
        fs::hard_link(&path, &link)?;
        for name in [&path, &link] {
            assert_says(&SqliteStore::open(name).expect_err("it is refused"), &WORDS);
        }
        assert_eq!(fs::read_dir(directory.path())?.count(), 2, "it has no log");
        fs::remove_file(&path)?;
        assert_eq!(stored(&SqliteStore::open(&link)?).await?, accepted);
        Ok(())
    }

    #[tokio::test]
    async fn writes_are_refused_while_the_file_has_a_second_name() -> Outcome {
        let (directory, path, store, mut accepted) = opened().await?;
        let link = directory.path().join("link-of-bank.db");
        fs::hard_link(&path, &link)?;
        assert_says(&SqliteStore::open(&link).expect_err("it is refused"), &WORDS);
        assert_says(&refused(&store, &mut accepted).await, &WORDS);
        assert!(publish(&store).await.is_err(), "later writes are refused too");
        assert_eq!(stored(&store).await?, accepted, "reads go on");
        fs::remove_file(&link)?;
        accepted.push(publish(&store).await?);
        drop(store);
        assert_eq!(stored(&SqliteStore::open(&path)?).await?, accepted);
        Ok(())
    }

    /// Writes until the files have been looked at again.
    async fn goes_on(store: &SqliteStore, accepted: &mut Vec<JobId>) -> Outcome {
        let deadline = Instant::now() + Duration::from_millis(1200);
        while Instant::now() < deadline {
            accepted.push(publish(store).await?);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        accepted.push(publish(store).await?);
        Ok(())
    }

    #[tokio::test]
    async fn a_directory_link_that_is_turned_to_elsewhere_does_no_harm() -> Outcome {
        let directory = tempdir()?;
        let [old, new, current] = ["old", "new", "current"].map(|name| directory.path().join(name));
        fs::create_dir(&old)?;
        fs::create_dir(&new)?;
        symlink(&old, &current)?;
        let store = SqliteStore::open(current.join("bank.db"))?;
        let mut accepted = vec![publish(&store).await?];
        fs::remove_file(&current)?;
        symlink(&new, &current)?;
        goes_on(&store, &mut accepted).await?;
        assert_eq!(stored(&store).await?, accepted);
        drop(store);
        assert_eq!(fs::read_dir(&new)?.count(), 0);
        assert_eq!(stored(&SqliteStore::open(old.join("bank.db"))?).await?, accepted);
        Ok(())
    }

    #[test]
    fn a_relative_path_survives_a_change_of_the_working_directory() -> Outcome {
        let directory = tempdir()?;
        let mut child = command("names::a_process_that_changes_its_working_directory")?;
        assert_passed(&child.current_dir(directory.path()).env(DIRECTORY, directory.path()).output()?);
        Ok(())
    }

    #[tokio::test]
    #[ignore = "started by the test above in a process of its own"]
    async fn a_process_that_changes_its_working_directory() -> Outcome {
        let directory = PathBuf::from(env::var(DIRECTORY)?);
        let store = SqliteStore::open("bank.db")?;
        let mut accepted = vec![publish(&store).await?];
        fs::create_dir("elsewhere")?;
        env::set_current_dir("elsewhere")?;
        goes_on(&store, &mut accepted).await?;
        assert_eq!(stored(&store).await?, accepted);
        drop(store);
        assert_eq!(fs::read_dir(".")?.count(), 0);
        assert_eq!(stored(&SqliteStore::open(directory.join("bank.db"))?).await?, accepted);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_longer_than_the_busy_timeout_loses_nothing() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).busy_timeout(Duration::from_millis(100)).open()?;
    let worker = worker("w");
    let running = started("withdraw", &worker);
    store.submit(Vec::new(), vec![running.clone()]).await?;
    let mut accepted = vec![running.id, publish(&store).await?];

    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN EXCLUSIVE")?;
    let commit = success(&running, &worker, "a-1");
    for _ in 0..3 {
        let error = publish(&store).await.expect_err("it is locked");
        assert_says(&error, &["bank.db", "locked", "busy_timeout"]);
        store.commit(commit.clone()).await.expect_err("it is locked");
        assert_eq!(stored(&store).await?, accepted, "reads do not wait");
    }

    // A write that waits when the lock is released succeeds.
    let (published, unlocked) = tokio::join!(
        async {
            loop {
                if let Ok(id) = publish(&store).await {
                    return id;
                }
            }
        },
        async { other.execute_batch("ROLLBACK") }
    );
    unlocked?;
    accepted.push(published);
    store.commit(commit).await?;
    assert_eq!(store.job(running.id).await?.map(|job| job.state), Some(JobState::Succeeded));
    let claimed: Vec<_> = claim(&store, &worker, 9).await.jobs.iter().map(|job| job.id).collect();
    assert_eq!(claimed, accepted[1..]);
    assert_eq!(stored(&store).await?, accepted);
    Ok(())
}
