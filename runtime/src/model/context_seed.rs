use std::sync::Arc;

use super::capabilities::Capabilities;
use super::id::CorrelationId;
use super::identity::Identity;
use super::job_context::JobContext;
use super::trace::TraceContext;

/// What is known about a request at the boundary: the caller's identity, the tenant, the correlation id, the trace
/// ([r31](crate::rules#r31)).
///
/// Pass it to [`Runtime::scope`](crate::Runtime::scope) or [`with_context`](crate::with_context). What is published
/// there carries it; see [what crosses into a job](mod@crate::context#what-crosses-into-a-job).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextSeed {
    correlation: Option<CorrelationId>,
    context: JobContext,
    overrides: Capabilities,
}

impl ContextSeed {
    /// An empty seed: an anonymous caller, no tenant, and a new correlation id for each job.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the caller's identity.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.context = self.context.with_identity(identity);
        self
    }

    /// Sets the tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.context = self.context.with_tenant(tenant);
        self
    }

    /// Sets the correlation id. Without one, the id of each job that is published is its correlation id
    /// ([r32](crate::rules#r32)).
    #[must_use]
    pub fn with_correlation(mut self, id: impl Into<Arc<str>>) -> Self {
        self.correlation = Some(CorrelationId::new(id));
        self
    }

    /// Adds an entry to the metadata, and replaces one of the same name.
    #[must_use]
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.context = self.context.with_metadata(name, value);
        self
    }

    /// Sets the trace that the request belongs to.
    #[must_use]
    pub fn with_trace(mut self, trace: TraceContext) -> Self {
        self.context = self.context.with_trace(trace);
        self
    }

    /// Replaces a capability that the runtime was [provided](crate::RuntimeBuilder::provide) with, for this request
    /// only.
    ///
    /// It applies within the scope, and to commands [executed](crate::Runtime::execute) there, as long as the caller
    /// waits and this process runs them. It does not cross into published jobs ([r31](crate::rules#r31)).
    #[must_use]
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, capability: Arc<T>) -> Self {
        self.overrides.insert(capability);
        self
    }

    /// The caller's identity; `None` if the caller is anonymous.
    pub fn identity(&self) -> Option<&Identity> {
        self.context.identity()
    }

    /// The tenant.
    pub fn tenant(&self) -> Option<&str> {
        self.context.tenant()
    }

    /// The correlation id, if one is set.
    pub fn correlation(&self) -> Option<&CorrelationId> {
        self.correlation.as_ref()
    }

    /// The metadata entry of a name.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.context.metadata(name)
    }

    /// The trace that the request belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.context.trace()
    }

    /// The correlation id, what is stored with jobs, and the capabilities of the scope.
    pub(crate) fn into_parts(self) -> (Option<CorrelationId>, JobContext, Capabilities) {
        (self.correlation, self.context, self.overrides)
    }
}
