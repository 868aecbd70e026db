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
//! `jobs` is a view; what it shows lies in `requests`, `attempts`, and, of the jobs that have not ended, in `waiting`,
//! `ready`, `running` and `lanes`. All are described in `src/schema/1.sql`. They may change with a version of this crate;
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
mod worker_thread;
mod writer;

pub use builder::{SqliteStoreBuilder, Synchronous};
pub use store::SqliteStore;
