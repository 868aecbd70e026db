//! The embedded store of [enact](https://docs.rs/enact): one SQLite file that several processes can share.
//!
//! ```no_run
//! use enact_sqlite::SqliteStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open("bank.db")?;
//! # Ok(()) }
//! ```
//!
//! # How calls run
//!
//! - **Writes** are queued for one writer thread. It commits all queued writes in one transaction; each still fails alone. A
//!   second thread calls fsync for all that has been committed meanwhile, then the callers get their results. Only the start of
//!   an attempt that may be repeated returns before the fsync, once what caused it is durable.
//! - **Reads** run on four threads with connections of their own: for single entities, for single jobs and workers, for events, and
//!   for listings and counts. They neither wait for the writer nor delay it, and a long listing delays other listings only. The
//!   number of jobs in each state is kept, not counted. Events and the ends of jobs are returned when they are durable: a read of one that is not known to be durable waits for one fsync.
//! - **A cache** keeps what this process wrote last, as long as no other process writes: 16 MiB of entities, and as much of jobs
//!   that wait to be claimed.
//!
//! # Files
//!
//! - **The path** is used as it is, whatever its characters. It is not a URI: `file:…`, `sqlite:…` and `:memory:` are refused.
//! - **A new file** is for its owner only on Unix, unless [`file_mode`](SqliteStoreBuilder::file_mode) says otherwise. While the store is
//!   open there are two more files, whose names end in `-wal` and `-shm`, with the same permissions. They belong to the
//!   database: what is committed may be in the first alone.
//! - **The log** (`-wal`) has about 16 MiB. It grows while another program keeps a read transaction open, such as a shell that was
//!   left after `BEGIN`. Once that has ended, the next writes cut it back to 32 MiB.
//! - **A fork** has none of the store's threads and locks: its calls fail, and it cannot open the same file. Fork first, and open the store
//!   in each process.
//!
//! # Failures
//!
//! - **Disk full**, or [`max_size`](SqliteStoreBuilder::max_size) reached: a call that does not fit fails as a whole and changes nothing.
//!   Reads, and writes that fit, go on. Once there is space, no restart is needed: a runtime retries the commits of its
//!   attempts until they succeed.
//! - **fsync fails**: the calls that wait for it fail, and it is unknown whether their writes are stored. The store refuses writes,
//!   and to return later events or the end of a job, until it has recovered. It tries that at the next write, and then with
//!   growing pauses of at most a minute. No restart is
//!   needed, and what was confirmed is durable throughout.
//!
//!   After a failed fsync, a system such as Linux counts pages as written that are not on the disk; the next fsync succeeds
//!   without them and proves nothing. So the store reads its log back, verifies by the checksums that no frame is missing, and writes
//!   the whole log again with the same bytes. An fsync covers these writes: when it succeeds, the log is durable, with the
//!   writes that were in doubt.
//!
//!   If a frame is missing, because the system has dropped its page, the store refuses writes for good. Stop all processes that use
//!   the file, and start them again: SQLite then drops the log from the missing frame on. What was confirmed is before it.
//!
//!   From the failure until the recovery there is a file whose name ends in `-unsynced` beside the database. A process that is
//!   started meanwhile recovers before it writes.
//! - **File locked** by another program: queued writes wait for the [`busy_timeout`](SqliteStoreBuilder::busy_timeout), all together, then
//!   fail and change nothing. Reads do not wait. No restart is needed afterwards. Running jobs are not lost unless the lock
//!   outlasts their worker's lease and another process, which can write first, rescues them; they then end as any lost
//!   attempt does.
//! - **File truncated or emptied**: writes are refused, see [Backups](#backups).
//! - **File deleted, moved or replaced**, the database or its log (`-wal`): on Unix an open file lives on without its name, and what is
//!   written to it is lost with the process. Writes are refused within a second; those of that second are in the opened
//!   file. If it was moved, move it back and the store goes on. If it was deleted, copy database and log while the process
//!   lives, on Linux from `/proc/PID/fd`. If it was replaced, reopen the store to use the new file.
//! - **A second name of the file** (a hard link, as `ln` and `cp -al` make it): SQLite would keep a log for each name, which damages the
//!   database. It is refused by `open`, and writes are refused within a second while the store is open. Delete the other name and the
//!   store goes on. Symbolic links do no harm: the store uses the file that they led to when it was opened, also when they or the
//!   working directory change.
//! - **A row that cannot be read**, after the file was edited by hand or damaged: its record is listed with placeholders, and `unreadable`
//!   names the columns. A job fails with the code `unreadable_job` when it is claimed; correct the row and retry the job. All
//!   other jobs run.
//!
//! # Beside other SQLite libraries
//!
//! A program contains SQLite once, so all its libraries must accept one version of `libsqlite3-sys`. This crate accepts `rusqlite` 0.32 to
//! 0.43, and Cargo chooses the newest version that the others accept, too. It does so by itself, also when a library is added to a program
//! whose `Cargo.lock` has a newer one. When this version of enact was made, these were chosen:
//!
//! | beside | `rusqlite` | `libsqlite3-sys` | bundled SQLite | WAL-reset bug (see below) |
//! |---|---|---|---|---|
//! | no other | 0.43.0 | 0.40.0 | 3.54.1 | fixed |
//! | diesel 2.3, tokio-rusqlite 0.8 | 0.40.2 | 0.38.2 | 3.53.2 | fixed |
//! | sqlx 0.9, sea-orm 2 | 0.39.0 | 0.37.0 | 3.51.3 | fixed |
//! | diesel 2.2 | 0.37.0 | 0.35.0 | 3.50.2 | not fixed |
//! | sqlx 0.8.1 to 0.8.6, sea-orm 1 | 0.32.1 | 0.30.1 | 3.46.0 | not fixed |
//!
//! sqlx 0.8.0 and diesel 2.1 need older versions and cannot be used beside this crate.
//!
//! - **Bundled or the system's.** The feature `bundled`, a default, compiles the SQLite that comes with `libsqlite3-sys`. Cargo unites the
//!   features of a program: SQLite is bundled if any library asks for it, as this crate does by default, and sqlx with its feature
//!   `sqlite`. To link the system's, turn it off in all of them, here with `default-features = false`.
//! - **The system's SQLite** must be 3.40.0 or newer; [`open`](SqliteStore::open) refuses an older one. `rusqlite` 0.41 and newer do not link
//!   with one that is older than 3.44. On such a system, as Debian 12 with 3.40.1, hold the last that does:
//!   `cargo update -p rusqlite --precise 0.40.2`.
//! - **Several stores on one file**, as in several processes, each need a SQLite without the
//!   [WAL-reset bug](https://sqlite.org/wal.html#walresetbug). From 3.7.0 to 3.51.2, a checkpoint can damage the database if another
//!   connection writes or checkpoints at the same moment. It is rare, and fixed in 3.51.3; SQLite's page names the older branches that have
//!   the fix. The bundled SQLite has it from `rusqlite` 0.39 on. `open` does not check this: a distribution may ship the fix under an old
//!   number. One store has one connection that writes and checkpoints, so it does not meet the bug as long as nothing else writes to its
//!   file.
//!
//! # Backups
//!
//! ```no_run
//! use enact_sqlite::SqliteStore;
//!
//! # async fn back_up(store: SqliteStore) -> Result<(), Box<dyn std::error::Error>> {
//! // While the store is in use.
//! store.backup("/backups/bank-2026-11-28.db").await?;
//!
//! // In another program, or on another machine, while no process has the database open.
//! let replaced = SqliteStore::restore("/backups/bank-2026-11-28.db", "/var/lib/bank/bank.db")?;
//! # Ok(()) }
//! ```
//!
//! - **To back up**, call [`SqliteStore::backup`]. The backup is one file. A copy of the database is a backup, too, if no process had it open,
//!   and so is what `VACUUM INTO` writes.
//! - **To restore**, stop all processes that use the database and call [`SqliteStore::restore`]. It keeps what was there.
//! - **To verify** a database or a backup, open it and call [`SqliteStore::check`]. `restore` verifies the backup, too.
//!
//! What not to do, and what happens then:
//!
//! | do not | because | what the store does |
//! |---|---|---|
//! | copy the file of an open store (`cp bank.db …`) | what was committed last is in the log (`-wal`) alone | `open` and `restore` refuse the copy (Unix). Whole are only file and log of a moment when no process wrote |
//! | copy a backup over a database by hand | the log of a crash may still be there; SQLite plays it back over whatever file has the name, which undoes the restore or damages the file | `open` refuses a log that belongs to another file or to another state of it |
//! | delete `-wal` or `-shm` | the log may have the only copy of what was confirmed | writes are refused within a second |
//! | empty or truncate the file, or copy over it, while a store has it open | SQLite goes on with the pages that are left | writes are refused as soon as it is shorter than before and pages are missing; `open` refuses such a file, and does not delete its log as SQLite would. A copy over it of the same length or longer is found by the next `open` only |
//! | read or copy the database as a file in a process that has it open | the process loses SQLite's locks on it, and another program that opens and closes the database then deletes the log | on Linux and Android the store has locks that it does not lose so; elsewhere writes are refused within a second after the log was deleted |
//!
//! What cannot be told from a good file, and is not refused:
//!
//! - The copy of an open database that is put back over the same file when there is no log: what was in the log is lost.
//! - The copy of an open database that is put back beside its log when the log has started again at most twice since (16 MiB each): the
//!   database may be damaged, which [`SqliteStore::check`] finds. If the log has not started again, it brings the database to
//!   the state of the crash.
//!
//! A tool that copies a whole state of an open database, such as `.backup` of the shell, makes a file that looks like a copy by `cp`, and is refused.
//! So is a copy that was made after another program had closed the database as the last one. Declare it whole:
//! `sqlite3 FILE 'PRAGMA journal_mode = delete'`.
//!
//! A program that reads the closed database in a transaction keeps `open` waiting, up to the
//! [`busy_timeout`](SqliteStoreBuilder::busy_timeout); while a store has it open, readers hold up nothing.
//!
//! # Reading the file
//!
//! The `sqlite3` shell can read the file, also while the store is open:
//!
//! ```sql
//! SELECT id, name, state, datetime(created_at / 1000000, 'unixepoch'), payload FROM jobs ORDER BY seq DESC LIMIT 10;
//! SELECT body FROM entities WHERE entity = 'account' AND id = 'a-1';
//! SELECT position, name, payload FROM events;
//! ```
//!
//! `jobs` is a view over several tables. `src/schema/1.sql` describes them all. The schema may change with a version of this
//! crate; a file is migrated when it is opened.
#![forbid(unsafe_code)]

mod apart;
mod backup;
mod builder;
mod cells;
mod check;
mod database_path;
mod descriptors;
mod encode;
mod error;
mod file_creation;
mod file_guard;
mod file_id;
mod file_mark;
mod held_locks;
mod job_query;
mod open;
mod open_file;
mod operation;
mod operations;
mod options;
mod partial_file;
mod queries;
mod queued_write;
mod raw_text;
mod reader;
mod recovery;
mod restore;
mod rows;
mod schema;
mod sqlite_version;
mod statements;
mod store;
#[cfg(test)]
mod tests;
mod wal_file;
mod wal_sync;
mod worker_thread;
mod write_cache;
mod writer;

pub use builder::SqliteStoreBuilder;
pub use options::Synchronous;
pub use store::SqliteStore;
