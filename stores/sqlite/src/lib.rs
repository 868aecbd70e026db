//! The embedded store of [enact](https://docs.rs/enact): one SQLite file, on which several processes can work together.
//!
//! ```no_run
//! use enact_sqlite::SqliteStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open("bank.db")?;
//! # Ok(()) }
//! ```
//!
//! # What happens on a call
//!
//! - **Writes** are queued for the one thread that has the write connection. It takes all that is queued and commits it
//!   as one transaction; each write still fails by itself. Another thread waits for the disk, for all that was committed
//!   meanwhile at once, and answers the callers then. Only the beginning of an attempt that may be repeated is answered
//!   before, if the disk has what has caused it.
//! - **Reads** go to two threads with connections of their own, which neither wait for a writer nor make one wait: one
//!   reads single entities, the other finds and lists, so that no execution waits for a long listing.
//! - **What was written last** is kept in memory for the executions to come, as long as no other process writes: 16 MiB
//!   of entities, and as much of jobs that wait to be claimed.
//!
//! # What happens in trouble
//!
//! - **The disk is full**, or the file has reached [`max_size`](SqliteStoreBuilder::max_size): what does not fit is refused with an
//!   error that says so, whole, and nothing of it is on record. All that was answered before is; reads, and writes that fit, go on. As
//!   soon as there is space, so does everything else, with no restart: a runtime tries to put the end of an attempt on record until
//!   it can. Only if the disk fails to confirm what it has taken (`fsync`) does the store take no more writes until it is opened
//!   anew: which of the latest are on the disk cannot be known.
//! - **Another program locks the file**: writes wait for [`busy_timeout`](SqliteStoreBuilder::busy_timeout), all that are queued together,
//!   and are refused then; nothing of them is on record. Reads wait for nobody. When the lock is gone, the store goes on with no
//!   restart. Jobs that run meanwhile are not lost, unless the lock outlasts their worker's lease and another process, which can write
//!   again first, gives them up: then they end as any lost attempt does.
//! - **The file, or its log (`-wal`), is deleted, moved or replaced**: on Unix a file that is open lives on without its name, and what is
//!   written to it would be lost with the process. Writes are refused within a second; those of that second are in the opened
//!   file. If it was moved, move it back, and the store goes on. If it was deleted, what was in it can be copied as long as
//!   the process lives: from `/proc/PID/fd` on Linux, database and log together. If another file was put in its place, that
//!   one is left alone: open the store anew to use it. To restore a backup, stop all processes that use the file first.
//!
//! # Looking into the file
//!
//! Everything can be read by a person with the `sqlite3` shell, while the store is open, too:
//!
//! ```sql
//! SELECT id, name, state, datetime(created_at / 1000000, 'unixepoch'), payload FROM jobs ORDER BY seq DESC LIMIT 10;
//! SELECT body FROM entities WHERE entity = 'account' AND id = 'a-1';
//! SELECT position, name, payload FROM events;
//! ```
//!
//! `jobs` is a view; what it shows lies in `requests`, `attempts` and `cancelled`, and, of the jobs that have not ended, in `waiting`,
//! `ready` and `running`. All are described in `src/schema/1.sql`. They may change with a version of this crate;
//! files are migrated when they are opened.
#![forbid(unsafe_code)]

mod builder;
#[cfg(test)]
mod durability;
mod encode;
mod error;
mod log;
mod open;
mod operation;
#[cfg(test)]
mod plans;
mod queries;
mod reader;
mod recent;
mod rows;
mod schema;
mod store;
mod whereabouts;
mod worker_thread;
mod writer;

pub use builder::{SqliteStoreBuilder, Synchronous};
pub use store::SqliteStore;
