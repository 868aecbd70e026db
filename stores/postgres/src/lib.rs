//! The store of [enact](https://docs.rs/enact) for fleets: a PostgreSQL database that any number of processes share.
//!
//! ```no_run
//! use enact_postgres::PostgresStore;
//!
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::connect("postgres://bank:secret@db.example.com/bank?sslmode=require").await?;
//! # Ok(()) }
//! ```
//!
//! PostgreSQL 15 or newer, in UTF-8. No extension and no superuser is needed: a user that may create a schema, or that owns one.
//!
//! # How calls run
//!
//! - **A thread of the store** has a tokio runtime and seven connections: for writes, claims, leases, entities, short reads, listings, and notifications. So leases are
//!   renewed while handlers block all threads of the program. Dropping the store finishes queued writes.
//! - **Writes** are queued. The store takes all that are queued into a group, which is one transaction in two round trips: the first
//!   locks and loads what all of them need, by sets; they decide in memory, one after the other; the second writes what has changed, by sets, and
//!   commits. Each still fails alone. A write is confirmed after the commit.
//! - **Processes** run their groups beside each other. A group locks what it changes, always in this order: the schema
//!   (shared); idempotency keys, lanes, turns and entities to create, by their names; jobs; entities; the order of events, if it has any, last. What
//!   changes jobs that it does not name runs without others: cancelling, retrying by hand, pruning, moving due times, ticks, and
//!   publishing with [predecessors](enact::store::JobSpec::after).
//! - **Claims** are made by one process at a time, as many jobs as it has room for. If none of their attempts must run once only, their start
//!   becomes durable with the next write.
//! - **Events** are numbered in the order of their commits, with gaps. A reader at a cursor misses none.
//! - **Reads** see what is committed and durable.
//! - **Other processes** are notified after a commit that has left something to claim, at most about twenty times a second. They also ask once a second,
//!   so a notification that is lost only costs time.
//!
//! # Failures
//!
//! - **The connection is lost, or the server restarts:** calls connect again, with growing pauses of at most two seconds, and are repeated. What cannot be
//!   repeated is looked up: if the connection is lost after COMMIT was sent, the store looks, on a new connection, whether that
//!   transaction was committed, before it returns ([r91](enact::rules#r91)). That holds after a crash of the server, too, and on a standby that
//!   was promoted. If no server answers for a minute, the call fails and says that it is unknown whether it is stored. Runtimes
//!   retry the commits of their attempts; one that was stored is refused then, because its attempt has ended.
//! - **The server is out of reach:** after five attempts a call fails and changes nothing. No restart is needed afterwards.
//! - **A process stops within a transaction** (a debugger, `SIGSTOP`): after two seconds the server ends the transaction, and others go on.
//! - **A lock is not available for ten seconds,** because another program holds it: the calls that wait for it fail and change nothing.
//! - **The disk is full, or a value is too large:** the group is rolled back, and each of its calls runs alone.
//! - **Failover:** list several hosts in the URL; the store uses the one that can be written. With [`Durability::Remote`] nothing that was confirmed is
//!   lost when a synchronous standby is promoted. With [`Durability::Local`], or an asynchronous standby, the last commits may be lost; a cursor that
//!   is ahead of the last event is refused, with the code `cursor_ahead`.
//! - **A row that cannot be read,** after it was edited by hand: its record is listed with placeholders, and `unreadable` names the columns. A job
//!   fails with the code `unreadable_job` when it is claimed; correct the row and retry the job. All other jobs run.
//!
//! # Connections
//!
//! - **Encryption** is by rustls (feature `tls`, a default). With `sslmode=require` in the URL the server's certificate is verified, including its
//!   name, against the certificates that the system trusts or those of [`root_certificates`](PostgresStoreBuilder::root_certificates);
//!   `verify-ca` and `verify-full` mean the same. `prefer`, the default, encrypts if the server can, and verifies nothing.
//! - **Poolers:** the store works through one in transaction mode, such as `PgBouncer`. It keeps no state in a session but prepared statements, which `PgBouncer`
//!   supports from 1.21 on; for an older one turn them [off](PostgresStoreBuilder::prepared_statements). Notifications do not pass
//!   through such a pooler: name a direct connection by [`listen_url`](PostgresStoreBuilder::listen_url), or they are left out, with a warning.
//! - **Locks:** a group has a lock for each key, lane, turn and new entity. `max_locks_per_transaction × max_connections` of the server should be
//!   above 1000 for each process; otherwise a group that finds no room runs without others.
//!
//! # Limits
//!
//! - **Keys** have at most about 2600 bytes: ids of entities, targets, order keys, idempotency keys, names.
//! - **Counting jobs** ([`count_jobs`](enact::store::Store::count_jobs), [`count_live`](enact::store::Store::count_live)) reads the jobs.
//! - **The number of queued jobs** is counted when one with a limit is submitted, at most 1000 beyond the limit. Jobs that executions stage at the
//!   same moment may be missing.
//!
//! # Reading the database
//!
//! ```sql
//! SELECT id, name, state, created_at, payload::jsonb FROM enact.jobs ORDER BY seq DESC LIMIT 10;
//! SELECT body::jsonb FROM enact.entities WHERE entity = 'account' AND id = 'a-1';
//! SELECT position, name, payload::jsonb FROM enact.events ORDER BY position;
//! ```
//!
//! `jobs` is a view over several tables. `src/schema/1.sql` describes them all. Texts are stored as they were written, except that NUL, which PostgreSQL cannot
//! store, is U+0001 followed by `0`, and U+0001 is followed by `1`. The schema may change with a version of this crate; it is migrated when
//! the store is opened, unless [`migrate`](PostgresStoreBuilder::migrate) says otherwise. A program refuses a schema that a newer one has changed so that
//! it cannot be used.
#![forbid(unsafe_code)]

mod builder;
mod call;
mod cells;
mod claims;
mod connection;
mod encode;
mod error;
mod job_query;
mod loader;
mod operation;
mod operations;
mod options;
mod queries;
mod roles;
mod rows;
mod schema;
mod store;
#[cfg(feature = "tls")]
mod tls;
mod transaction;
mod value;
mod waking;
mod world;
mod writer;

pub use builder::PostgresStoreBuilder;
pub use options::Durability;
pub use store::PostgresStore;

/// The statements that make the schema, for a database that is migrated by hand.
///
/// # Errors
/// If the name of the schema cannot be used, see [`PostgresStoreBuilder::schema`].
pub fn schema_sql(schema: &str) -> Result<String, enact::store::StoreError> {
    Ok(schema::sql(&options::quoted(schema)?))
}
