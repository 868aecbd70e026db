//! Why a cluster does not start, or does not do what it should.

use std::fmt;

use crate::programs::{OLDEST, VARIABLE};

/// Why a cluster does not start, or does not do what it should.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The machine has no `PostgreSQL` that is new enough.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A program of `PostgreSQL` failed. The text has the end of its log.
    #[error("{0}")]
    Failed(String),
}

/// The machine has no `PostgreSQL` that is new enough.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Missing {
    /// The places that were searched, with what is wrong with each.
    pub(crate) searched: Vec<String>,
}

impl fmt::Display for Missing {
    /// In one line, since it is printed for each test.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "needs PostgreSQL {OLDEST} or later; searched {}. Install the server (apt-get install postgresql, dnf install postgresql-server, \
             brew install postgresql), or name the folder of its programs in {VARIABLE}",
            self.searched.join("; ")
        )
    }
}
