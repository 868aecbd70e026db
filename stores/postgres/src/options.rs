//! Where the database is, and how the store uses it.

use std::fmt;

use enact::store::StoreError;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// What a confirmed write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A crash of the server and a loss of its power: a write is confirmed when it is on the disk of the server
    /// (`synchronous_commit = local`).
    #[default]
    Local,
    /// The loss of the server, too: a write is confirmed when the standbys that `synchronous_standby_names` lists have it on their
    /// disks (`synchronous_commit = on`). Without such a standby it is as [`Local`](Self::Local), which is logged as a warning.
    Remote,
}

impl Durability {
    pub(crate) fn synchronous_commit(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "on",
        }
    }
}

/// The schema that is used by default.
pub(crate) const DEFAULT_SCHEMA: &str = "enact";

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) url: String,
    pub(crate) schema: String,
    pub(crate) migrate: bool,
    pub(crate) durability: Durability,
    pub(crate) prepared_statements: bool,
    pub(crate) listen_url: Option<String>,
    /// In PEM; `None`: those that the system trusts.
    #[cfg(feature = "tls")]
    pub(crate) root_certificates: Option<Vec<u8>>,
}

/// A password may be in the URL.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schema, migrate, durability, prepared_statements, .. } = self;
        f.debug_struct("Options")
            .field("schema", schema)
            .field("migrate", migrate)
            .field("durability", durability)
            .field("prepared_statements", prepared_statements)
            .finish_non_exhaustive()
    }
}

/// The name of a schema within statements.
///
/// # Errors
/// If it is not a name that needs no care: letters, digits, `_` and `-`, at most 63 bytes.
pub(crate) fn quoted(schema: &str) -> Result<String, StoreError> {
    let is_plain =
        schema.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '-'));
    if schema.is_empty() || schema.len() > 63 || !is_plain {
        return Err(StoreError::new(format!(
            "`{}` cannot be the name of a schema: use letters, digits, `_` and `-`, at most 63 bytes",
            schema.escape_debug()
        )));
    }
    Ok(format!("\"{schema}\""))
}

/// Parses a URL. The error does not show it.
pub(crate) fn config(url: &str) -> Result<Config, StoreError> {
    // The driver has no such modes; `require` verifies the server here.
    let url =
        url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    url.parse().map_err(|_| {
        StoreError::new(
            "the URL of the database cannot be parsed: write `postgres://user:password@host:5432/database`, with special characters \
             of the password percent-encoded",
        )
    })
}

/// Where a database is, without a password: `postgres://host:port/database, schema name`.
pub(crate) fn label(config: &Config, schema: &str) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let host = |(index, host): (usize, &Host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(index)),
        #[cfg(unix)]
        Host::Unix(path) => format!("{}:{}", path.display(), port(index)),
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("`postgres://{}/{database}`, schema `{schema}`", hosts.join(","))
}
