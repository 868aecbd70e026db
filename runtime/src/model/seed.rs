use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::capabilities::Capabilities;
use super::id::CorrelationId;
use super::trace::TraceContext;

/// What a boundary knows of a request: who asks, for which tenant, in which matter (r31).
///
/// It is given to [`Runtime::scope`](crate::Runtime::scope) or [`with_context`](crate::with_context), and crosses from
/// there into jobs, and from these into the jobs that they cause. The [module](mod@crate::context) says what crosses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContextSeed {
    #[serde(skip)]
    correlation: Option<CorrelationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<TraceContext>,
    #[serde(skip)]
    overrides: Capabilities,
}

impl ContextSeed {
    /// A seed that knows nothing: an anonymous caller, no tenant, a matter of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who asks.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// For which tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// In which matter; otherwise each job begins one of its own (r32).
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation = Some(CorrelationId::new(id.into()));
        self
    }

    /// Something else about the request, under a name. A name given twice keeps the last value.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// The trace that the request belongs to.
    #[must_use]
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// A capability for this request alone, in the place of the one that the runtime was
    /// [provided](crate::RuntimeBuilder::provide) with.
    ///
    /// It holds in the scope, and in what is [executed](crate::Runtime::execute) there as long as the caller waits for
    /// it and this process runs it. It crosses into no job that is published (r31).
    #[must_use]
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, capability: Arc<T>) -> Self {
        self.overrides.insert(capability);
        self
    }

    /// Who asks; `None` if they are anonymous.
    pub fn get_identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// For which tenant.
    pub fn get_tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// What else is known about the request, by name.
    pub fn get_metadata(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).map(String::as_str)
    }

    /// The trace that the request belongs to.
    pub fn get_trace(&self) -> Option<&TraceContext> {
        self.trace.as_ref()
    }

    /// The correlation id, which a job has as a field of its own.
    pub(crate) fn take_correlation(&mut self) -> Option<CorrelationId> {
        self.correlation.take()
    }

    /// The capabilities, which no job has.
    pub(crate) fn take_overrides(&mut self) -> Capabilities {
        std::mem::take(&mut self.overrides)
    }
}

/// Who asks for something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    subject: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
}

impl Identity {
    /// A user, by the name that the caller's directory knows them by.
    pub fn user(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), roles: Vec::new() }
    }

    /// The same, with one more role.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// The name.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The roles, as they were given.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Whether they have a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }
}
