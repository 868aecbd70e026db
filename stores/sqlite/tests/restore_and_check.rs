//! A backup takes the place of a database, which is kept, and a check says whether a database is whole.

mod common;

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use enact::store::{JobCount, NewJob, Next, Prune, Start, Store};
use enact::{Failure, FailureKind, JobKind};
use enact_sqlite::SqliteStore;
use rusqlite::Connection;
use tempfile::tempdir;

use common::database::{assert_refused, assert_says, beside, jobs_of, publish, publish_many, stored};
use common::process::{self, DATABASE, Process, crash, take_orders};
use common::{Outcome, after, claim, in_lane, job_id, new_job, second, started, success, worker};

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

/// How many jobs of [`jobs_in_every_state`] are in each state.
const COUNTS: [(&str, usize); 6] =
    [("waiting", 7), ("ready", 6), ("running", 2), ("succeeded", 5), ("failed", 4), ("cancelled", 3)];

/// A row in each table of states, and jobs of one name that differ in kind.
async fn jobs_in_every_state(store: &SqliteStore) -> Outcome {
    let worker = worker("w");
    let many = |count| (0..count).map(|_| started("withdraw", &worker)).collect::<Vec<_>>();
    let ended = many(9);
    store.submit(Vec::new(), ended.clone()).await?;
    for (index, job) in ended.iter().enumerate() {
        let mut commit = success(job, &worker, &format!("a-{index}"));
        if index >= 5 {
            commit.attempt.failure = Some(Failure::new(FailureKind::Error, "error", "no"));
            (commit.next, commit.write, commit.events) = (Next::Failed, None, Vec::new());
        }
        store.commit(commit).await?;
    }
    store.submit(Vec::new(), many(2)).await?;
    // The attempt of the last one has not ended.
    let cancelled = [new_job("withdraw"), new_job("withdraw"), started("withdraw", &worker)];
    store.submit(Vec::new(), cancelled.to_vec()).await?;
    let failure = Failure::new(FailureKind::Cancelled, "cancelled", "cancelled");
    store.cancel(cancelled.iter().map(|job| job.id).collect(), failure, second(2)).await?;

    let ready: Vec<_> = (0..4).map(|_| new_job("withdraw")).collect();
    let held = NewJob { start: Some(Start::Held(worker.clone())), ..new_job("withdraw") };
    // One is ready, and two wait.
    let lane = (0..3).map(|_| in_lane("l"));
    let due = (0..2).map(|_| NewJob { due_at: Some(second(9)), ..new_job("withdraw") });
    let successors = (0..3).map(|_| after(ready[0].id, new_job("withdraw")));
    let waiting: Vec<_> = lane.chain(due).chain(successors).collect();
    store.submit(Vec::new(), [ready.clone(), vec![held], waiting].concat()).await?;

    let mut handling = new_job("withdraw");
    handling.kind = JobKind::EventHandler;
    store.submit(Vec::new(), vec![handling, new_job("deposit")]).await?;
    Ok(())
}

#[tokio::test]
async fn a_check_finds_nothing_in_a_database_with_jobs_in_every_state() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::open(&path)?;
    jobs_in_every_state(&store).await?;
    let counts = store.count_jobs().await?;
    for (state, stored) in COUNTS {
        let expected =
            JobCount::new(JobKind::Command, "withdraw".into(), state.parse()?, u64::try_from(stored)?);
        assert!(counts.contains(&expected), "{expected:?} is not in: {counts:?}");
    }
    assert_eq!(store.check().await?, Vec::<String>::new());
    drop(store);
    jobs_of(&path).await?;
    Ok(())
}

#[tokio::test]
async fn a_check_names_what_is_wrong() -> Outcome {
    let directory = tempdir()?;
    let (whole, damaged) = (directory.path().join("bank.db"), directory.path().join("damaged.db"));
    jobs_in_every_state(&SqliteStore::open(&whole)?).await?;
    let database = Connection::open(&whole)?;
    // The sequence number and the id of the first job that has a row in a table.
    let first = |table: &str| -> Result<(u32, String), rusqlite::Error> {
        let find = format!("SELECT min(seq), id FROM job_specs WHERE seq IN (SELECT seq FROM {table})");
        database.query_row(&find, [], |row| Ok((row.get(0)?, row.get(1)?)))
    };

    let mut cases = Vec::new();
    for table in ["waiting", "ready", "running", "cancelled", "attempts"] {
        let (seq, id) = first(table)?;
        let edit = format!("DELETE FROM {table} WHERE seq = {seq}");
        cases.push((edit, format!("job {id} is in no state: it has not ended, and no worker can claim it")));
    }
    for (table, row, of) in [
        ("waiting", "seq, name, 0, 0, 0, 0, NULL", "ready"),
        ("waiting", "seq, name, 0, 0, 0, 0, NULL", "running"),
        ("running", "seq, 1, 0, 'w', 0, name, NULL, 1, 0, NULL", "ready"),
    ] {
        let (seq, _) = first(of)?;
        let edit = format!("INSERT INTO {table} SELECT {row} FROM {of} WHERE seq = {seq}");
        let words =
            format!("the job with seq {seq} is in several of the tables `waiting`, `ready` and `running`");
        cases.push((edit, words));
    }
    for table in ["waiting", "ready", "running", "attempts", "lane_heads", "lane_tails"] {
        let edit = format!("UPDATE {table} SET seq = 999 WHERE seq = {}", first(table)?.0);
        let words = format!("the table `{table}` has a row of a job that does not exist, with seq 999");
        cases.push((edit, words));
    }
    let (seq, id) = first("job_specs")?;
    let words = format!("job {id} has a name that is not in the table `names`");
    cases.push((format!("UPDATE job_specs SET name = 77 WHERE seq = {seq}"), words.clone()));
    cases.push(("DELETE FROM names".to_owned(), words));
    let counted = |count: usize, name: &str, state: &str, stored: usize| {
        format!("the table `names` counts {count} jobs of `{name}` that are {state}, and there are {stored}")
    };
    for (state, stored) in COUNTS {
        for (name, stored) in [("withdraw", stored), ("deposit", usize::from(state == "ready"))] {
            for count in [stored + 2, stored.saturating_sub(1)] {
                let row = format!("kind = 'command' AND name = '{name}'");
                let edit = format!("UPDATE names SET {state} = {count} WHERE {row}");
                cases.extend((count != stored).then(|| (edit, counted(count, name, state, stored))));
            }
        }
    }

    for (edit, words) in cases {
        fs::copy(&whole, &damaged)?;
        Connection::open(&damaged)?.execute_batch(&edit)?;
        let problems = SqliteStore::open(&damaged)?.check().await?;
        assert!(problems.contains(&words), "after `{edit}`, `{words}` is not in: {problems:#?}");
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
