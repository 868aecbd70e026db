//! A backup of an open store is whole, whatever happens meanwhile.

mod common;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use enact::JobId;
use enact::store::{Store, StoreError};
use enact_sqlite::{SqliteStore, Synchronous};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tempfile::tempdir;

use common::database::{assert_says, jobs_of, publish, stored};
use common::process::{self, DATABASE};
use common::{Outcome, account, started, success, worker};

const PATIENCE: Duration = Duration::from_secs(60);

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("it can be listed");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Kills a process, and returns what it had printed.
fn kill(mut child: Child) -> Result<String, Box<dyn Error>> {
    // SIGKILL.
    child.kill()?;
    Ok(String::from_utf8(child.wait_with_output()?.stdout)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_all_that_was_confirmed_before() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
    let worker = worker("w");
    for round in 0..3 {
        let done = started("withdraw", &worker);
        store.submit(Vec::new(), vec![done.clone()]).await?;
        store.commit(success(&done, &worker, &format!("a-{round}"))).await?;
        let before = join_all((0..500).map(|_| publish(&store))).await;
        let before = before.into_iter().collect::<Result<Vec<_>, _>>()?;
        let to = directory.path().join(format!("backup-{round}.db"));
        let load = async {
            for _ in 0..300 {
                publish(&store).await?;
            }
            Ok::<_, StoreError>(())
        };
        let (backup, load) = tokio::join!(store.backup(&to), load);
        backup?;
        load?;

        let saved = jobs_of(&to).await?;
        assert!(before.iter().all(|job| saved.contains(job)));
        let all = stored(&store).await?;
        assert!(all.starts_with(&saved), "it is the state at one moment");
        assert!(SqliteStore::open(&to)?.load(&account(&format!("a-{round}"))).await?.is_some());
    }
    Ok(())
}

#[tokio::test]
async fn a_backup_is_one_file_with_the_permissions_of_the_database() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).file_mode(0o640).open()?;
    let job = publish(&store).await?;
    let backups = directory.path().join("backups");
    fs::create_dir(&backups)?;
    let to = backups.join("bank.db");
    store.backup(&to).await?;
    assert_eq!(names(&backups), ["bank.db"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&to)?.permissions().mode() & 0o777, 0o640);
    }
    assert_eq!(jobs_of(&to).await?, [job]);
    Ok(())
}

#[tokio::test]
async fn a_backup_replaces_nothing() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::open(&path)?;
    let job = publish(&store).await?;
    let other = directory.path().join("other.db");
    fs::write(&other, "mine")?;
    for to in [&path, &other] {
        let error = store.backup(to).await.expect_err("it is refused");
        assert_says(&error, &[&to.display().to_string(), "exists", "name a new file"]);
    }
    let missing = directory.path().join("missing/backup.db");
    assert_says(
        &store.backup(missing).await.expect_err("it is refused"),
        &["does not exist", "create it first"],
    );
    for address in ["", ":memory:", "file:backup.db"] {
        store.backup(address).await.expect_err("it is refused");
    }
    assert_eq!(fs::read_to_string(&other)?, "mine");
    assert_eq!(stored(&store).await?, [job]);
    assert_eq!(names(directory.path()), ["bank.db", "bank.db-shm", "bank.db-wal", "other.db"]);
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_may_have_any_name() -> Outcome {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let job = publish(&store).await?;
    for name in [&b"a b.db"[..], b"ba\xffnk.db", b"100%25?mode=ro#x.db", b"'; --.db", b"-wal", b"x\"y"] {
        let to = directory.path().join(OsStr::from_bytes(name));
        store.backup(&to).await?;
        assert_eq!(jobs_of(&to).await?, [job], "{}", to.display());
    }
    Ok(())
}

#[tokio::test]
async fn a_backup_that_is_dropped_leaves_no_file_or_a_whole_one() -> Outcome {
    const COUNT: usize = 40;
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
    join_all((0..2000).map(|_| publish(&store))).await;
    let backups = directory.path().join("backups");
    fs::create_dir(&backups)?;
    for number in 0..COUNT {
        let name = format!("{number}.db");
        let mut backup = Box::pin(store.backup(backups.join(&name)));
        assert!(backup.as_mut().now_or_never().is_none());
        if number % 2 == 1 {
            // Dropped while it copies: its file is created just before.
            while !names(&backups).iter().any(|file| file.starts_with(&name)) {
                std::thread::yield_now();
            }
            let _ = backup.as_mut().now_or_never();
        }
        drop(backup);
    }
    store.backup(backups.join("next.db")).await?;
    let deadline = Instant::now() + PATIENCE;
    while names(&backups).iter().any(|name| name.contains("-partial")) {
        assert!(Instant::now() < deadline, "{:?}", names(&backups));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let left = names(&backups);
    let is_stopped = |number: usize| !left.contains(&format!("{number}.db"));
    assert!((1..COUNT).step_by(2).any(is_stopped), "no copy was stopped");
    for name in &left {
        assert_eq!(jobs_of(&backups.join(name)).await?.len(), 2000);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the tests below in a process of its own"]
async fn a_process_that_writes_backups_under_load() -> Outcome {
    let path = PathBuf::from(env::var(DATABASE)?);
    let store = SqliteStore::open(&path)?;
    let load = async {
        loop {
            for id in join_all((0..20).map(|_| publish(&store))).await {
                println!("\naccepted {}", id?);
            }
        }
        #[expect(unreachable_code, reason = "it names the type")]
        Ok::<(), StoreError>(())
    };
    let backups = async {
        for number in 0.. {
            let to = path.with_file_name(format!("backup-{number}"));
            store.backup(&to).await?;
            println!("\nsaved {number}");
        }
        Ok::<(), StoreError>(())
    };
    tokio::try_join!(load, backups)?;
    Ok(())
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_backups_that_are_whole_and_no_other_file_of_that_name() -> Outcome {
    for round in 0..4 {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        let mut child = process::command("a_process_that_writes_backups_under_load")?;
        let child = child.env(DATABASE, &path).stdout(Stdio::piped()).spawn()?;
        let deadline = Instant::now() + PATIENCE;
        while !directory.path().join("backup-2").exists() {
            assert!(Instant::now() < deadline, "no backup was written");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        let out = kill(child)?;
        let mut accepted: Vec<JobId> = Vec::new();
        // The jobs that were accepted when a backup was begun, at the least.
        let mut saved = vec![0];
        for line in out.lines() {
            if let Some(id) = line.strip_prefix("accepted ").and_then(|id| id.parse().ok()) {
                accepted.push(id);
            }
            if line.starts_with("saved ") {
                saved.push(accepted.len());
            }
        }
        let mut checked = 0;
        for (number, count) in saved.iter().enumerate() {
            let backup = directory.path().join(format!("backup-{number}"));
            if !backup.exists() {
                continue;
            }
            let jobs = jobs_of(&backup).await?;
            assert!(accepted[..*count].iter().all(|job| jobs.contains(job)), "backup {number}");
            checked += 1;
        }
        assert!(checked >= 3);
        let left = names(directory.path());
        let is_known = |name: &String| {
            let is_backup =
                name.strip_prefix("backup-").is_some_and(|number| number.parse::<usize>().is_ok());
            is_backup || name.starts_with("bank.db") || name.contains("-partial")
        };
        assert!(left.iter().all(is_known), "{left:?}");
        let jobs = jobs_of(&path).await?;
        assert!(accepted.iter().all(|job| jobs.contains(job)));
    }
    Ok(())
}
