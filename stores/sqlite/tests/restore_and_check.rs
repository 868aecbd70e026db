//! A backup takes the place of a database, which is kept, and a check says whether a database is whole.

mod common;

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use enact::store::{Prune, Store};
use enact_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::tempdir;

use common::database::{assert_refused, assert_says, beside, jobs_of, publish, publish_many, stored};
use common::process::{self, DATABASE, Process, crash, take_orders};
use common::{Outcome, claim, in_lane, job_id, new_job, second, started, success, worker};

#[tokio::test]
#[ignore = "started by the tests below in a process of its own"]
async fn a_process_that_takes_orders() -> Outcome {
    take_orders().await
}

/// Ways to make a backup that is whole.
const BACKUPS: [&str; 3] = ["a copy of the closed file", "`backup`", "`VACUUM INTO`"];

async fn back_up(way: &str, path: &Path, to: &Path) -> Outcome {
    match way {
        "`backup`" => SqliteStore::open(path)?.backup(to).await?,
        "`VACUUM INTO`" => {
            let _store = SqliteStore::open(path)?;
            Connection::open(path)?.execute("VACUUM INTO ?1", [to.to_str()])?;
        }
        _ => {
            fs::copy(path, to)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_backup_beside_the_log_of_a_crash_is_refused_until_it_is_restored() -> Outcome {
    // One log, and several.
    for (way, count) in BACKUPS.iter().flat_map(|way| [(way, 40), (way, 6000)]) {
        for replaces_file in [false, true] {
            let directory = tempdir()?;
            let (path, backup) = (directory.path().join("bank.db"), directory.path().join("backup.db"));
            let old = publish_many(&SqliteStore::open(&path)?, 20).await?;
            back_up(way, &path, &backup).await?;
            crash(&path, count)?;
            if replaces_file {
                let copy = directory.path().join("copy.db");
                fs::copy(&backup, &copy)?;
                fs::rename(copy, &path)?;
            } else {
                fs::copy(&backup, &path)?;
            }
            assert_refused(&path, &["bank.db-wal", "log of another database", "SqliteStore::restore"]);

            let replaced = SqliteStore::restore(&backup, &path)?.expect("it is kept");
            assert!(beside(&replaced, "-wal").exists(), "with its log");
            assert_eq!(jobs_of(&path).await?, old, "{way}, {count}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_backup_is_restored_over_a_crash_and_the_old_database_is_kept() -> Outcome {
    for way in BACKUPS {
        let directory = tempdir()?;
        let (path, backup) = (directory.path().join("bank.db"), directory.path().join("backup.db"));
        let mut old = publish_many(&SqliteStore::open(&path)?, 20).await?;
        back_up(way, &path, &backup).await?;
        let lost = crash(&path, 40)?;
        let replaced = SqliteStore::restore(&backup, &path)?.expect("it is kept");
        assert_eq!(jobs_of(&path).await?, old, "{way}");
        old.extend(lost);
        assert_eq!(jobs_of(&replaced).await?, old, "{way}: nothing is lost");
        assert_eq!(jobs_of(&backup).await?.len(), 20);
    }
    Ok(())
}

#[tokio::test]
async fn a_backup_is_restored_where_there_is_no_database() -> Outcome {
    let directory = tempdir()?;
    let (path, backup) = (directory.path().join("bank.db"), directory.path().join("backup.db"));
    let store = SqliteStore::builder(&backup).file_mode(0o640).open()?;
    let id = publish(&store).await?;
    drop(store);
    assert_eq!(SqliteStore::restore(&backup, &path)?, None);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o640);
    }
    assert_eq!(jobs_of(&path).await?, [id]);
    Ok(())
}

#[tokio::test]
async fn a_log_whose_database_was_moved_away_is_kept_by_a_restore() -> Outcome {
    let directory = tempdir()?;
    let (path, backup) = (directory.path().join("bank.db"), directory.path().join("backup.db"));
    let mut ids = publish_many(&SqliteStore::open(&path)?, 20).await?;
    fs::copy(&path, &backup)?;
    ids.extend(crash(&path, 40)?);
    let away = directory.path().join("bad.db");
    fs::rename(&path, &away)?;
    assert_eq!(SqliteStore::restore(&backup, &path)?, None);
    assert_eq!(jobs_of(&path).await?, ids[..20]);
    let log = fs::read_dir(directory.path())?.find_map(|entry| {
        let path = entry.ok()?.path();
        path.to_string_lossy().ends_with("-wal").then_some(path)
    });
    fs::rename(log.expect("it is kept"), beside(&away, "-wal"))?;
    assert_eq!(jobs_of(&away).await?, ids);
    Ok(())
}

#[tokio::test]
async fn a_restore_that_is_refused_changes_nothing() -> Outcome {
    let directory = tempdir()?;
    let (path, backup) = (directory.path().join("bank.db"), directory.path().join("backup.db"));
    let ids = publish_many(&SqliteStore::open(&path)?, 300).await?;
    fs::copy(&path, &backup)?;
    let file = |name: &str| directory.path().join(name);

    fs::write(file("notes.txt"), "dear diary, ".repeat(1000))?;
    fs::write(file("empty.db"), "")?;
    Connection::open(file("photos.db"))?.execute_batch("CREATE TABLE photos (id)")?;
    fs::copy(&backup, file("newer.db"))?;
    Connection::open(file("newer.db"))?.pragma_update(None, "user_version", 4711)?;
    let whole = fs::read(&backup)?;
    fs::write(file("short.db"), &whole[..whole.len() / 2])?;
    let mut damaged = whole.clone();
    let middle = damaged.len() / 4096 / 2 * 4096;
    damaged[middle..middle + 4096].fill(0x5a);
    fs::write(file("damaged.db"), damaged)?;
    fs::copy(&backup, file("logged.db"))?;
    fs::write(file("logged.db-wal"), "a log")?;
    let cases: [(&str, &[&str]); 9] = [
        ("missing.db", &["cannot be read"]),
        ("notes.txt", &["not a SQLite database"]),
        ("empty.db", &["is empty", "not a backup"]),
        ("photos.db", &["database of another application"]),
        ("newer.db", &["newer version"]),
        ("short.db", &["damaged"]),
        ("damaged.db", &["cannot be restored", "was not changed"]),
        ("logged.db", &["logged.db-wal", "SqliteStore::backup"]),
        ("bank.db", &["as the backup and as the database"]),
    ];
    let before = fs::read(&path)?;
    let files = || fs::read_dir(directory.path()).map(Iterator::count);
    let count = files()?;
    for (name, words) in cases {
        let error = SqliteStore::restore(file(name), &path).expect_err(name);
        assert_says(&error, words);
        assert_says(&error, &[name]);
        assert!(
            fs::read(&path)? == before && files()? == count,
            "{name}: nothing is changed, and nothing is left"
        );
    }

    // It is open, in this process and in another.
    let store = SqliteStore::open(&path)?;
    let error = SqliteStore::restore(&backup, &path).expect_err("it is open");
    assert_says(&error, &["bank.db", "open in this process"]);
    drop(store);
    let mut process = Process::start(&path)?;
    process.publish(0)?;
    let error = SqliteStore::restore(&backup, &path).expect_err("it is open");
    assert_says(&error, &["bank.db", "open in another process", "stop all processes"]);
    let more = process.publish(1)?;
    process.kill()?;
    assert_eq!(jobs_of(&path).await?, [ids, more].concat());
    Ok(())
}

#[tokio::test]
async fn a_damaged_database_is_replaced() -> Outcome {
    let directory = tempdir()?;
    let (path, backup) = (directory.path().join("bank.db"), directory.path().join("backup.db"));
    let id = publish(&SqliteStore::open(&backup)?).await?;
    for content in ["", "dear diary, "] {
        fs::write(&path, content.repeat(1000))?;
        let replaced = SqliteStore::restore(&backup, &path)?.expect("it is kept");
        assert_eq!(fs::read_to_string(replaced)?, content.repeat(1000));
        assert_eq!(jobs_of(&path).await?, [id]);
    }
    Ok(())
}

#[tokio::test]
#[ignore = "started by the test below in a process of its own"]
async fn a_process_that_restores() -> Outcome {
    let path = PathBuf::from(env::var(DATABASE)?);
    println!("\nbegun");
    SqliteStore::restore(path.with_file_name("backup.db"), &path)?;
    Ok(())
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_the_old_state_or_the_new_or_is_refused_until_it_is_repeated()
-> Outcome {
    for round in 0..40_u64 {
        let directory = tempdir()?;
        let (path, backup) = (directory.path().join("bank.db"), directory.path().join("backup.db"));
        publish_many(&SqliteStore::open(&path)?, 20).await?;
        fs::copy(&path, &backup)?;
        crash(&path, 40)?;
        let mut child = process::command("a_process_that_restores")?;
        let mut child = child.env(DATABASE, &path).stdout(Stdio::piped()).spawn()?;
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains("begun") {
            line.clear();
            assert!(out.read_line(&mut line)? > 0, "it begins");
        }
        std::thread::sleep(Duration::from_micros(700 * round));
        child.kill()?;
        child.wait()?;
        match SqliteStore::open(&path) {
            Ok(store) => match stored(&store).await?.len() {
                20 | 60 => {}
                other => panic!("{other} jobs are neither the old state nor the new"),
            },
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("log of another database") || text.contains("has 2 names"), "{text}");
            }
        }
        SqliteStore::restore(&backup, &path)?;
        assert_eq!(jobs_of(&path).await?.len(), 20);
    }
    Ok(())
}

#[tokio::test]
async fn a_check_finds_nothing_in_what_the_store_writes() -> Outcome {
    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let worker = worker("w");
    for index in 0..10 {
        let done = started("withdraw", &worker);
        store.submit(Vec::new(), vec![done.clone(), new_job("deposit"), in_lane("l"), in_lane("l")]).await?;
        store.commit(success(&done, &worker, &format!("a-{index}"))).await?;
    }
    claim(&store, &worker, 3).await;
    store.retry(vec![job_id()]).await?;
    let prune = Prune {
        succeeded_before: Some(second(100)),
        failed_before: None,
        cancelled_before: None,
        now: second(200),
        after: None,
        limit: 5,
    };
    assert!(store.prune(prune).await?.deleted > 0);
    assert_eq!(store.check().await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_check_names_what_is_wrong() -> Outcome {
    let cases = [
        ("DELETE FROM ready WHERE seq = 1", "is in no state"),
        (
            "INSERT INTO waiting SELECT seq, name, attempts, spent, 0, 0, 1 FROM ready WHERE seq = 1",
            "in several of the tables",
        ),
        (
            "DELETE FROM job_specs WHERE seq = 1",
            "the table `ready` has a row of a job that does not exist, with seq 1",
        ),
        ("UPDATE names SET failed = 3", "counts 3 jobs of `withdraw` that are failed, and there are 0"),
        ("UPDATE job_specs SET name = 77 WHERE seq = 1", "a name that is not in the table `names`"),
    ];
    for (edit, words) in cases {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        publish_many(&SqliteStore::open(&path)?, 3).await?;
        Connection::open(&path)?.execute_batch(edit)?;
        let problems = SqliteStore::open(&path)?.check().await?;
        assert!(problems.iter().any(|problem| problem.contains(words)), "{edit}: {problems:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_check_names_damaged_pages() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    publish_many(&SqliteStore::open(&path)?, 3).await?;
    let root: u32 = Connection::open(&path)?.query_row(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'job_specs_name'",
        [],
        |row| row.get(0),
    )?;
    let mut file = File::options().write(true).open(&path)?;
    file.seek(SeekFrom::Start(u64::from(root - 1) * 4096))?;
    file.write_all(&[0x5a; 4096])?;
    drop(file);
    let problems = SqliteStore::open(&path)?.check().await?;
    // How it is described depends on the version of SQLite.
    assert!(!problems.is_empty());
    Ok(())
}
