//! The options of a store, and how it is opened.

use std::time::Duration;

use enact::store::StoreError;
use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;

use crate::connection::{Connection, Target};
use crate::options::{self, DEFAULT_SCHEMA, Durability, Options};
use crate::roles::Roles;
use crate::schema;
use crate::store::PostgresStore;
#[cfg(feature = "tls")]
use crate::tls;

impl PostgresStore {
    /// Opens a database with the default options: `postgres://user:password@host:5432/database`. Creates its schema if that does not
    /// exist.
    ///
    /// # Errors
    /// As [`PostgresStoreBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Opens a database with other options.
    pub fn builder(url: impl Into<String>) -> PostgresStoreBuilder {
        PostgresStoreBuilder(Options {
            url: url.into(),
            schema: DEFAULT_SCHEMA.to_owned(),
            migrate: true,
            durability: Durability::default(),
            prepared_statements: true,
            listen_url: None,
            #[cfg(feature = "tls")]
            root_certificates: None,
        })
    }
}

/// Options of a [`PostgresStore`]. `Debug` does not show the URL, which may have a password.
#[derive(Clone, Debug)]
#[must_use = "call `connect`"]
pub struct PostgresStoreBuilder(Options);

impl PostgresStoreBuilder {
    /// The schema of the tables: letters, digits, `_` and `-`, at most 63 bytes. Default: `enact`. Stores in several schemas of one database
    /// are independent of each other.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.0.schema = name.into();
        self
    }

    /// Whether the schema is created, and migrated to the version of this crate. Default: `true`, which needs the privilege `CREATE` on the
    /// database, or on a schema that exists. With `false`, run [`schema_sql`](crate::schema_sql) before.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.0.migrate = migrate;
        self
    }

    /// What a confirmed write survives. Default: [`Durability::Local`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.0.durability = durability;
        self
    }

    /// Whether statements are prepared once for each connection. Default: `true`. `false` is for poolers in transaction mode that do not
    /// support prepared statements, such as `PgBouncer` before 1.21; it costs time on the server.
    pub fn prepared_statements(mut self, prepared: bool) -> Self {
        self.0.prepared_statements = prepared;
        self
    }

    /// The URL of a direct connection, for notifications of other processes. Default: the URL of the store. It is needed if that leads to a pooler
    /// in transaction mode, through which notifications do not arrive; without them, work of other processes is found once a second.
    pub fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.0.listen_url = Some(url.into());
        self
    }

    /// The certificates, in PEM, that the server's certificate must be signed by if the URL has `sslmode=require`. Default: those that the
    /// system trusts.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.0.root_certificates = Some(pem.into());
        self
    }

    /// Connects, and checks or migrates the schema.
    ///
    /// # Errors
    /// If the URL or the name of the schema cannot be used; if the server cannot be reached, refuses the user, or is older than PostgreSQL
    /// 15; if the database is not in UTF-8; if the schema is missing and not to be created, or was migrated by a newer version of this
    /// crate. The error names the database and what to do. It does not show the password.
    pub async fn connect(self) -> Result<PostgresStore, StoreError> {
        let Options { url, schema, migrate, durability, prepared_statements, listen_url, .. } = self.0;
        let config = complete(options::config(&url)?);
        let listen = match listen_url {
            Some(url) => complete(options::config(&url)?),
            None => config.clone(),
        };
        let label = options::label(&config, &schema);
        let quoted = options::quoted(&schema)?;
        #[cfg(feature = "tls")]
        let tls = tls::connector(config.get_ssl_mode(), self.0.root_certificates.as_deref())?;
        #[cfg(not(feature = "tls"))]
        let tls = tokio_postgres::NoTls;
        let prepares = prepared_statements;
        let target = Target { config, schema: quoted.clone(), durability, prepares, label, tls };
        let roles = Roles::start(target, listen)?;
        let checked = roles.leases.call(async move |connection: &Connection| {
            let session = connection.session().await?;
            schema::prepare(&session, migrate, &quoted).await?;
            if durability == Durability::Remote {
                schema::warn_without_standby(&session, &connection.target.label).await?;
            }
            Ok(())
        });
        checked.await?;
        Ok(PostgresStore { roles })
    }
}

/// Adds what the URL does not say.
fn complete(mut config: Config) -> Config {
    if config.get_application_name().is_none() {
        config.application_name("enact");
    }
    if config.get_tcp_user_timeout().is_none() {
        // Without it, a connection to a machine that is gone is noticed after a quarter of an hour.
        config.tcp_user_timeout(Duration::from_secs(15));
    }
    if config.get_target_session_attrs() == TargetSessionAttrs::Any {
        // Of several hosts, the one that can be written, also after another was promoted.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config
}
