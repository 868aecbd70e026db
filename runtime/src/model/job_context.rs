use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::identity::Identity;
use super::redacted::HIDDEN;
use super::trace::TraceContext;

/// The part of a context that is stored with a job and passed on to the jobs it causes
/// ([r31](crate::rules#r31)).
///
/// A boundary sets it through a [`ContextSeed`](crate::ContextSeed). The correlation id is not part of it: a job has it
/// as a field of its own. `Debug` shows the names of the metadata, and hides their values, the tenant and the caller's name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<TraceContext>,
    /// The fields of a stored context that this version does not know. They are passed on as the others are.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

static EMPTY: LazyLock<Arc<JobContext>> = LazyLock::new(Arc::default);

impl JobContext {
    /// An empty context: an anonymous caller, no tenant, no metadata, no trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// The empty context that jobs share: most have no other.
    pub(crate) fn empty() -> Arc<Self> {
        EMPTY.clone()
    }

    /// Sets the caller's identity.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets the tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Adds an entry to the metadata, and replaces one of the same name.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Sets the trace that the request belongs to.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// The parts by name, each with its size in bytes.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (String, usize)> {
        let identity = self.identity.iter().map(|identity| {
            let roles: usize = identity.roles().iter().map(String::len).sum();
            ("identity".to_owned(), identity.subject().len() + roles)
        });
        let tenant = self.tenant.iter().map(|tenant| ("tenant".to_owned(), tenant.len()));
        let metadata = self.metadata.iter().map(|(name, value)| {
            let shown: String = name.chars().take(40).collect();
            (format!("metadata `{shown}`"), name.len() + value.len())
        });
        let trace = self.trace.iter().map(|trace| {
            ("trace".to_owned(), trace.traceparent().len() + trace.tracestate().map_or(0, str::len))
        });
        identity.chain(tenant).chain(metadata).chain(trace)
    }

    /// Its size in bytes, which is the sum of those of its texts.
    pub(crate) fn bytes(&self) -> usize {
        if *self == Self::default() { 0 } else { self.parts().map(|(_, bytes)| bytes).sum() }
    }

    /// The caller's identity; `None` if the caller is anonymous.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The tenant.
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The metadata entry of a name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).map(String::as_str)
    }

    /// The trace that the request belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metadata: BTreeMap<_, _> = self.metadata.keys().map(|name| (name, HIDDEN)).collect();
        f.debug_struct("JobContext")
            .field("identity", &self.identity)
            .field("tenant", &self.tenant.as_ref().map(|_| HIDDEN))
            .field("metadata", &metadata)
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r31_the_stored_form_omits_what_is_not_set() {
        assert_eq!(serde_json::json!(JobContext::new()), serde_json::json!({}));
        let context = JobContext::new()
            .with_identity(Identity::user("ada").with_role("teller"))
            .with_tenant("enterprise")
            .with_metadata("till", "7");
        let json = serde_json::json!({
            "identity": { "subject": "ada", "roles": ["teller"] },
            "tenant": "enterprise",
            "metadata": { "till": "7" },
        });
        assert_eq!(serde_json::json!(context), json);
        assert_eq!(serde_json::from_value::<JobContext>(json).ok(), Some(context));
    }

    #[test]
    fn r07_what_a_newer_version_has_stored_is_kept() {
        let stored = serde_json::json!({
            "identity": { "subject": "ada", "scopes": ["till"] },
            "trace": { "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "baggage": "x=1" },
            "region": "eu",
        });
        let context: JobContext = serde_json::from_value(stored.clone()).expect("it is read");
        assert_eq!(context.identity().map(Identity::subject), Some("ada"));
        assert_eq!(serde_json::json!(context), stored);
    }
}
