//! The schema and its migrations.

use crate::call::{Call, Frame, Session};
use crate::error::Error;

/// The migration at index `n` leads from version `n` to `n + 1`. Never change one that was released. Until the first release, edit `1.sql`.
const MIGRATIONS: &[&str] = &[include_str!("1.sql")];

/// The version that this code reads and writes, stored in the table `meta`.
const VERSION: i32 = 1;

/// The statements that make the schema, for a database that is migrated by hand.
pub(crate) fn sql(schema: &str) -> String {
    let migrations: String = MIGRATIONS.concat();
    format!("CREATE SCHEMA IF NOT EXISTS {schema};\n\n{}", migrations.replace("{schema}", schema))
}

/// Refuses a database that this code cannot use, and migrates the schema if that is wanted. Safe while other processes do the same.
pub(crate) async fn prepare(session: &Session, migrate: bool, schema: &str) -> Result<(), Error> {
    check_server(session).await?;
    if let Some(version) = version(session).await? {
        check_version(version)?;
        session.run(Call::new(FORGET)).await?;
        return Ok(());
    }
    if !migrate {
        return Err(Error::Unusable(
            "the schema is not there; create it by the statements of `enact_postgres::schema_sql`, or open the store with `migrate(true)`"
                .to_owned(),
        ));
    }
    session.pipeline(Frame::Begin, vec![Call::new(LOCK)]).await?;
    match create(session, schema).await {
        Ok(()) => {
            session.pipeline(Frame::Commit, Vec::new()).await?;
            Ok(())
        }
        Err(error) => {
            session.roll_back().await?;
            Err(error)
        }
    }
}

async fn create(session: &Session, schema: &str) -> Result<(), Error> {
    // Another process may have made it meanwhile.
    match version(session).await? {
        Some(version) => check_version(version),
        None => Ok(session.execute_all(&sql(schema)).await?),
    }
}

/// No connection that has ended is asked about any more.
const FORGET: &str = "DELETE FROM {schema}.last_transactions WHERE used_at < now() - interval '1 day'";

const LOCK: &str = "
    SELECT set_config('lock_timeout', '30s', true), pg_advisory_xact_lock(hashtextextended('enact migration {schema}', 0))";

const SERVER: &str =
    "SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')";

async fn check_server(session: &Session) -> Result<(), Error> {
    const OLDEST: i32 = 150_000;
    let rows = session.run(Call::new(SERVER)).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (version, encoding): (i32, &str) = (row.try_get(0)?, row.try_get(1)?);
    if version < OLDEST {
        let major = version / 10_000;
        return Err(Error::Unusable(format!("PostgreSQL {major} is too old: 15 or newer is needed")));
    }
    if encoding != "UTF8" {
        return Err(Error::Unusable(format!(
            "the database has the encoding {encoding}; create one with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`"
        )));
    }
    Ok(())
}

/// Logs a warning if no standby confirms what is written.
pub(crate) async fn warn_without_standby(session: &Session, database: &str) -> Result<(), Error> {
    let rows = session.run(Call::new("SELECT current_setting('synchronous_standby_names')")).await?;
    let names: &str = rows.first().map_or(Ok(""), |row| row.try_get(0))?;
    if names.is_empty() {
        tracing::warn!(
            database,
            "the durability is `Remote`, but `synchronous_standby_names` is empty: what is confirmed is on one server only"
        );
    }
    Ok(())
}

/// Reads the catalog as a table: a name that was not there before is looked up in a cache, which does not change while a lock is waited for.
const EXISTS: &str = "
    SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE '\"' || n.nspname || '\"' = '{schema}' AND c.relname = 'meta')";

/// The version of the schema, and the oldest version whose programs can use it; `None` if there is no schema.
async fn version(session: &Session) -> Result<Option<(i32, i32)>, Error> {
    let exists = session.run(Call::new(EXISTS)).await?;
    let exists: bool = exists.first().map_or(Ok(false), |row| row.try_get(0))?;
    if !exists {
        return Ok(None);
    }
    let rows =
        session.run(Call::composed("SELECT version, min_reader FROM {schema}.meta".to_owned())).await?;
    match rows.first() {
        Some(row) => Ok(Some((row.try_get(0)?, row.try_get(1)?))),
        None => Err(Error::Unusable("the table `meta` of the schema is empty; restore a backup".to_owned())),
    }
}

fn check_version((version, min_reader): (i32, i32)) -> Result<(), Error> {
    if min_reader > VERSION {
        return Err(Error::Unusable(format!(
            "the schema was migrated by a newer version of enact-postgres: its version is {version}, the newest supported is {VERSION}; \
             upgrade enact-postgres"
        )));
    }
    Ok(())
}
