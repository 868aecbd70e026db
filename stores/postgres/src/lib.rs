//! The store of [enact](https://docs.rs/enact) for fleets: a PostgreSQL database that any number of processes share.
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
