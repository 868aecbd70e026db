//! The disk is full, the file is gone, another program locks it: no job is lost, and every error says what to do.

mod common;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use enact::store::{JobQuery, NewJob, Store, StoreError, Submitted};
use enact::{JobId, JobState, Json};
use enact_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use common::{claim, new_job, started, success, worker};

type Outcome = Result<(), Box<dyn Error>>;

async fn publish(store: &SqliteStore) -> Result<JobId, StoreError> {
    let job = NewJob { payload: Json::from_text(format!("\"{}\"", "x".repeat(2000))), ..new_job("withdraw") };
    let id = job.id;
    assert_eq!(store.submit(Vec::new(), vec![job]).await?, [Submitted::New]);
    Ok(id)
}

async fn on_record(store: &SqliteStore) -> Result<Vec<JobId>, StoreError> {
    let query = JobQuery { limit: 10_000, ..JobQuery::default() };
    Ok(store.jobs(&query).await?.jobs.into_iter().map(|job| job.id).collect())
}

#[track_caller]
fn assert_says(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for words in words {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

#[cfg(target_os = "linux")]
mod disk_full {
    //! The disk of a process of its own is made full.

    use super::*;

    const DATABASE: &str = "ENACT_TEST_DATABASE";
    /// Makes space on the disk.
    const MAKE_SPACE: &str = "ENACT_TEST_MAKE_SPACE";

    const MOUNT: &str = "mount -t tmpfs -o size=2m tmpfs \"$DISK\"";

    /// Runs [`a_process_with_a_full_disk`] behind a few commands of the shell. The program stands in its `$0`.
    fn run(shell: &mut Command, before: &str, database: &Path, make_space: &str) -> std::io::Result<Output> {
        let script = format!(
            "{before} && exec \"$0\" --exact disk_full::a_process_with_a_full_disk --ignored --nocapture"
        );
        let child = shell.args(["-c", &script]).arg(env::current_exe()?);
        child.env(DATABASE, database).env(MAKE_SPACE, make_space).output()
    }

    #[track_caller]
    fn assert_passed(output: &Output) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
    }

    #[test]
    fn a_file_that_may_not_grow_refuses_whole_calls_and_goes_on_when_it_may() -> Outcome {
        if Command::new("prlimit").arg("--version").output().is_err() {
            eprintln!("not tested: this machine has no `prlimit`");
            return Ok(());
        }
        let directory = tempdir()?;
        let database = directory.path().join("bank.db");
        // Without the signal, which would end the process, a write beyond the limit fails as on a full disk.
        let limit = "trap '' XFSZ && ulimit -S -f 1024";
        let make_space = "prlimit --pid $PPID --fsize=unlimited";
        let output = run(&mut Command::new("sh"), limit, &database, make_space)?;
        assert_passed(&output);

        let store = SqliteStore::open(&database)?;
        let runtime = tokio::runtime::Runtime::new()?;
        let out = String::from_utf8(output.stdout)?;
        let taken: Vec<JobId> =
            out.lines().filter_map(|line| line.strip_prefix("taken ")?.parse().ok()).collect();
        assert!(!taken.is_empty());
        assert_eq!(runtime.block_on(on_record(&store))?, taken);
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
            eprintln!("not tested: this machine lets nobody but root mount a disk");
            return Ok(());
        }
        let fill = format!("{MOUNT} && head -c 1m /dev/zero > \"$DISK/ballast\"");
        let database = disk.join("bank.db");
        assert_passed(&run(&mut small_disk(), &fill, &database, "rm \"$DISK/ballast\"")?);
        Ok(())
    }

    #[tokio::test]
    #[ignore = "the tests above start it in a process of its own"]
    async fn a_process_with_a_full_disk() -> Outcome {
        let path = PathBuf::from(env::var(DATABASE)?);
        let store = SqliteStore::open(&path)?;
        let worker = worker("w");
        let running = started("withdraw", &worker);
        store.submit(Vec::new(), vec![running.clone()]).await?;

        let mut taken = vec![running.id];
        let error = loop {
            match publish(&store).await {
                Ok(id) => taken.push(id),
                Err(error) => break error,
            }
        };
        assert_says(&error, &["bank.db", "disk", "then call again"]);
        assert!(publish(&store).await.is_err(), "there is no more space than before");
        assert_eq!(
            on_record(&store).await?,
            taken,
            "reads go on, and nothing of what was refused is on record"
        );

        let made = Command::new("sh").args(["-c", &env::var(MAKE_SPACE)?]).output()?;
        assert!(made.status.success(), "{made:?}");
        store.commit(success(&running, &worker, "a-1")).await?;
        taken.push(publish(&store).await?);
        let claimed: Vec<_> = claim(&store, &worker, 10_000).await.jobs.iter().map(|job| job.id).collect();
        assert_eq!(claimed, taken[1..]);
        assert_eq!(on_record(&store).await?, taken);

        drop(store);
        let store = SqliteStore::open(&path)?;
        assert_eq!(on_record(&store).await?, taken);
        for id in taken {
            println!("taken {id}");
        }
        Ok(())
    }
}

#[cfg(unix)]
mod file_gone {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn opened() -> Result<(TempDir, PathBuf, SqliteStore, Vec<JobId>), Box<dyn Error>> {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        let store = SqliteStore::open(&path)?;
        let first = publish(&store).await?;
        Ok((directory, path, store, vec![first]))
    }

    /// Publishes until that is refused.
    async fn refused(store: &SqliteStore, taken: &mut Vec<JobId>) -> StoreError {
        let patience = Instant::now() + PATIENCE;
        loop {
            match publish(store).await {
                Ok(id) => taken.push(id),
                Err(error) => return error,
            }
            assert!(Instant::now() < patience, "the file is gone, and nobody has seen it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn a_deleted_file_is_written_to_no_more() -> Outcome {
        let (_directory, path, store, mut taken) = opened().await?;
        fs::remove_file(&path)?;
        let error = refused(&store, &mut taken).await;
        assert_says(
            &error,
            &["bank.db", "deleted, moved or replaced", "restore a backup", "open the store anew"],
        );
        assert!(publish(&store).await.is_err(), "nor is it later");
        assert_eq!(
            on_record(&store).await?,
            taken,
            "what was answered can be read as long as the store is open"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_file_whose_log_was_deleted_is_written_to_no_more() -> Outcome {
        let (_directory, path, store, mut taken) = opened().await?;
        fs::remove_file(path.with_extension("db-wal"))?;
        assert_says(&refused(&store, &mut taken).await, &["bank.db-wal", "deleted, moved or replaced"]);
        Ok(())
    }

    #[tokio::test]
    async fn a_file_that_was_moved_is_written_to_again_when_it_is_back() -> Outcome {
        let (directory, path, store, mut taken) = opened().await?;
        let elsewhere = directory.path().join("elsewhere.db");
        fs::rename(&path, &elsewhere)?;
        refused(&store, &mut taken).await;
        fs::rename(&elsewhere, &path)?;
        taken.push(publish(&store).await?);
        assert_eq!(on_record(&store).await?, taken);
        drop(store);
        assert_eq!(on_record(&SqliteStore::open(&path)?).await?, taken);
        Ok(())
    }

    #[tokio::test]
    async fn a_file_that_was_put_in_its_place_is_left_alone() -> Outcome {
        let (directory, path, store, mut taken) = opened().await?;
        let backup = directory.path().join("backup.db");
        Connection::open(&path)?.execute("VACUUM INTO ?1", [backup.to_str().expect("its name is text")])?;
        let bytes = fs::read(&backup)?;
        fs::rename(&backup, &path)?;
        assert_says(&refused(&store, &mut taken).await, &["bank.db", "replaced"]);
        drop(store);
        assert_eq!(fs::read(&path)?, bytes);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_locked_for_longer_than_the_busy_timeout_loses_nothing() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).busy_timeout(Duration::from_millis(100)).open()?;
    let worker = worker("w");
    let running = started("withdraw", &worker);
    store.submit(Vec::new(), vec![running.clone()]).await?;
    let mut taken = vec![running.id, publish(&store).await?];

    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN EXCLUSIVE")?;
    let commit = success(&running, &worker, "a-1");
    for _ in 0..3 {
        let error = publish(&store).await.expect_err("it is locked");
        assert_says(&error, &["bank.db", "locked", "busy_timeout"]);
        store.commit(commit.clone()).await.expect_err("it is locked");
        assert_eq!(on_record(&store).await?, taken, "reads wait for nobody");
    }

    // What waits when the lock goes is written.
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
    taken.push(published);
    store.commit(commit).await?;
    assert_eq!(store.job(running.id).await?.map(|job| job.state), Some(JobState::Succeeded));
    let claimed: Vec<_> = claim(&store, &worker, 9).await.jobs.iter().map(|job| job.id).collect();
    assert_eq!(claimed, taken[1..]);
    assert_eq!(on_record(&store).await?, taken);
    Ok(())
}
