//! What operators do with the file: copies, restores, truncations, other programs. Nothing that was confirmed is lost without a word, and
//! no state is a blend of two.

mod common;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use enact::store::{JobQuery, Prune, Store, StoreError};
use enact::{JobId, Json};
use enact_sqlite::{SqliteStore, Synchronous};
use rusqlite::Connection;
use tempfile::tempdir;

use common::{in_lane, job_id, new_job, second, started, success, worker};

type Outcome = Result<(), Box<dyn Error>>;

const DATABASE: &str = "ENACT_TEST_DATABASE";

async fn publish(store: &SqliteStore) -> Result<JobId, StoreError> {
    let job = new_job("withdraw");
    let id = job.id;
    store.submit(Vec::new(), vec![job]).await.map(|_| id)
}

async fn publish_many(store: &SqliteStore, count: usize) -> Result<Vec<JobId>, StoreError> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(publish(store).await?);
    }
    Ok(ids)
}

async fn stored(store: &SqliteStore) -> Result<Vec<JobId>, StoreError> {
    let query = JobQuery::new().limit(1_000_000);
    Ok(store.jobs(&query).await?.jobs.into_iter().map(|job| job.id).collect())
}

/// Opens a database, verifies it and returns its jobs.
async fn jobs_of(path: &Path) -> Result<Vec<JobId>, StoreError> {
    let store = SqliteStore::open(path)?;
    assert_eq!(store.check().await?, Vec::<String>::new(), "{}", path.display());
    stored(&store).await
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[track_caller]
fn assert_says(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for words in words {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

/// Asserts that it is refused with these words, and that no file is changed by that.
#[track_caller]
fn assert_refused(path: &Path, words: &[&str]) {
    let contents = || (fs::read(path).ok(), fs::read(beside(path, "-wal")).ok());
    let before = contents();
    assert_says(&SqliteStore::open(path).expect_err("it is refused"), words);
    assert!(contents() == before, "it is not changed");
}

/// Another process that has a store open and takes orders.
struct Process {
    child: Child,
    orders: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Process {
    fn start(database: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?);
        child
            .args(["--exact", "a_process_that_takes_orders", "--ignored", "--nocapture"])
            .env(DATABASE, database);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = child.stdin.take().expect("it is piped");
        let replies = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { child, orders, replies })
    }

    /// Returns what the process says.
    fn order(&mut self, order: &str) -> Result<String, Box<dyn Error>> {
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        while self.replies.read_line(&mut line)? > 0 {
            if let Some(reply) = line.trim_end().strip_prefix("reply") {
                return Ok(reply.trim_start().to_owned());
            }
            line.clear();
        }
        Err(format!("the process has ended at `{order}`").into())
    }

    /// Returns the ids of the jobs.
    fn publish(&mut self, count: usize) -> Result<Vec<JobId>, Box<dyn Error>> {
        let reply = self.order(&format!("publish {count}"))?;
        Ok(reply.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
    }

    /// The process closes the store and ends.
    fn finish(self) -> Outcome {
        let Self { mut child, orders, replies } = self;
        drop((orders, replies));
        child.wait()?;
        Ok(())
    }

    /// By SIGKILL.
    fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

#[tokio::test]
#[ignore = "started by the tests below in a process of its own"]
async fn a_process_that_takes_orders() -> Outcome {
    let path = PathBuf::from(env::var_os(DATABASE).ok_or("no database")?);
    let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let (order, what) = line.split_once(' ').unwrap_or((&line, ""));
        let reply = match order {
            "publish" => {
                let ids = publish_many(&store, what.parse()?).await;
                ids.map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
            "copy" => {
                // This gives up the locks of this process on the file.
                fs::copy(what, beside(Path::new(what), "-copy"))?;
                Ok("copied".to_owned())
            }
            _ => return Err(format!("unknown order: {line}").into()),
        };
        println!("\nreply {}", reply.unwrap_or_else(|error| format!("refused: {error}")));
    }
    Ok(())
}

/// Publishes in another process, which is killed.
fn crash(database: &Path, count: usize) -> Result<Vec<JobId>, Box<dyn Error>> {
    let mut process = Process::start(database)?;
    let ids = process.publish(count)?;
    process.kill()?;
    Ok(ids)
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

#[tokio::test]
async fn a_crash_after_any_number_of_logs_is_no_other_log() -> Outcome {
    // Of one transaction each, and of several.
    for bytes in [1 << 20, 20 << 20] {
        let directory = tempdir()?;
        let path = directory.path().join("bank.db");
        let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
        let mut ids = Vec::new();
        let log_number = || -> Result<[u8; 4], Box<dyn Error>> {
            let mut header = [0; 20];
            File::open(beside(&path, "-wal"))?.read_exact(&mut header)?;
            Ok(header[16..].try_into()?)
        };
        let (mut logs, mut last) = (0, log_number()?);
        while logs < 5 {
            let mut job = new_job("withdraw");
            job.payload = Json::from_text(format!(r#""{}""#, "x".repeat(bytes)));
            ids.push(job.id);
            store.submit(Vec::new(), vec![job]).await?;
            let now = log_number()?;
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
    let mut writer = Command::new(env::current_exe()?);
    writer.args(["--exact", "a_process_that_wants_to_write", "--ignored"]).env(DATABASE, &path);
    let output = writer.output()?;
    assert!(!output.status.success(), "two write at the same time");
    assert!(String::from_utf8_lossy(&output.stdout).contains("database is locked"));
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
        let mut child = Command::new(env::current_exe()?);
        child.args(["--exact", "a_process_that_restores", "--ignored", "--nocapture"]).env(DATABASE, &path);
        let mut child = child.stdout(Stdio::piped()).spawn()?;
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
    common::claim(&store, &worker, 3).await;
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
