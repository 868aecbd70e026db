use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::redacted::HIDDEN;

/// The identity of a caller: a name and roles. `Debug` hides the name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    subject: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    /// The fields of a stored identity that this version does not know.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Identity {
    /// A user, by their name in the caller's directory.
    pub fn user(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), roles: Vec::new(), unknown: Map::new() }
    }

    /// Adds a role.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// The user's name.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The roles, in the order they were added.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Whether the user has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("subject", &HIDDEN)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}
