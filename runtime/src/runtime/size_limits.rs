//! The options of the builder that limit what is stored ([r08](crate::rules#r08)).

use super::builder::RuntimeBuilder;
use crate::model::SizeLimits;

/// Limits of what is stored ([r08](crate::rules#r08)). What is too large is refused, with its size, the limit and the option to
/// raise: at the boundary nothing is stored; inside an execution the attempt fails, and is not retried. Only the texts of
/// failures are cut.
impl RuntimeBuilder {
    /// How large a command or event may be as JSON by default: 1 MiB.
    pub const DEFAULT_MAX_PAYLOAD_BYTES: usize = 1 << 20;
    /// How large an output may be as JSON by default: 1 MiB.
    pub const DEFAULT_MAX_OUTPUT_BYTES: usize = 1 << 20;
    /// How large an entity may be as JSON by default: 4 MiB.
    pub const DEFAULT_MAX_ENTITY_BYTES: usize = 4 << 20;
    /// How long the texts of a failure may be by default: 16 KiB.
    pub const DEFAULT_MAX_FAILURE_BYTES: usize = 16 << 10;
    /// How large the context of a job may be by default: 16 KiB.
    pub const DEFAULT_MAX_CONTEXT_BYTES: usize = 16 << 10;
    /// How long a key may be by default: 1 KiB.
    pub const DEFAULT_MAX_KEY_BYTES: usize = 1 << 10;
    /// How many events and commands an execution may stage by default.
    pub const DEFAULT_MAX_STAGED: usize = 10_000;
    /// How many jobs may lead to a job by default.
    pub const DEFAULT_MAX_CHAIN: u32 = 1000;

    pub(super) const DEFAULT_SIZE_LIMITS: SizeLimits = SizeLimits {
        payload_bytes: Self::DEFAULT_MAX_PAYLOAD_BYTES,
        output_bytes: Self::DEFAULT_MAX_OUTPUT_BYTES,
        entity_bytes: Self::DEFAULT_MAX_ENTITY_BYTES,
        failure_bytes: Self::DEFAULT_MAX_FAILURE_BYTES,
        context_bytes: Self::DEFAULT_MAX_CONTEXT_BYTES,
        key_bytes: Self::DEFAULT_MAX_KEY_BYTES,
        staged: Self::DEFAULT_MAX_STAGED,
        chain: Self::DEFAULT_MAX_CHAIN,
    };

    /// Limits the size of a command or event as JSON, in bytes. A larger one is `Invalid`, code `payload_too_large`. Default:
    /// [`DEFAULT_MAX_PAYLOAD_BYTES`](Self::DEFAULT_MAX_PAYLOAD_BYTES).
    #[must_use]
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.size_limits.payload_bytes = bytes;
        self
    }

    /// Limits the size of the output of a handler as JSON, in bytes. With a larger one the attempt fails as `Error`, code
    /// `output_too_large`. Default: [`DEFAULT_MAX_OUTPUT_BYTES`](Self::DEFAULT_MAX_OUTPUT_BYTES).
    #[must_use]
    pub fn max_output_bytes(mut self, bytes: usize) -> Self {
        self.size_limits.output_bytes = bytes;
        self
    }

    /// Limits the size of an entity as JSON, in bytes. An attempt that leaves a larger one fails as `Error`, code
    /// `entity_too_large`. Stored entities are read whatever their size. Default:
    /// [`DEFAULT_MAX_ENTITY_BYTES`](Self::DEFAULT_MAX_ENTITY_BYTES).
    #[must_use]
    pub fn max_entity_bytes(mut self, bytes: usize) -> Self {
        self.size_limits.entity_bytes = bytes;
        self
    }

    /// Limits the texts of a job's failure together, in bytes: message, violations and causes. Longer ones are cut, and end with a
    /// mark that has their length. A code has at most 256 bytes. Default:
    /// [`DEFAULT_MAX_FAILURE_BYTES`](Self::DEFAULT_MAX_FAILURE_BYTES).
    #[must_use]
    pub fn max_failure_bytes(mut self, bytes: usize) -> Self {
        self.size_limits.failure_bytes = bytes;
        self
    }

    /// Limits the texts together that cross from a publisher into its jobs, in bytes: identity, tenant, metadata and trace
    /// ([r31](crate::rules#r31)). With more, what is published, executed or emitted is `Invalid`, code `context_too_large`.
    /// Default: [`DEFAULT_MAX_CONTEXT_BYTES`](Self::DEFAULT_MAX_CONTEXT_BYTES).
    #[must_use]
    pub fn max_context_bytes(mut self, bytes: usize) -> Self {
        self.size_limits.context_bytes = bytes;
        self
    }

    /// Limits the length of a key, in bytes: target, id of an entity, order key, idempotency key and correlation id. What has a
    /// longer one is `Invalid`, code `key_too_long`. Default: [`DEFAULT_MAX_KEY_BYTES`](Self::DEFAULT_MAX_KEY_BYTES).
    #[must_use]
    pub fn max_key_bytes(mut self, bytes: usize) -> Self {
        self.size_limits.key_bytes = bytes;
        self
    }

    /// Limits the number of events and commands that one execution stages: they are stored in one transaction, which others wait
    /// for. An attempt that stages more fails as `Error`, code `too_many_staged`; let a job publish the next one instead. Default:
    /// [`DEFAULT_MAX_STAGED`](Self::DEFAULT_MAX_STAGED).
    #[must_use]
    pub fn max_staged(mut self, effects: usize) -> Self {
        self.size_limits.staged = effects;
        self
    }

    /// Limits how many jobs may lead to a job ([`depth`](crate::store::JobSpec::depth)): from one that is published at the boundary or
    /// by a schedule, each causes the next, by a command that it publishes or an event that it emits. It ends a loop of handlers
    /// that cause each other without end. An attempt that would cause a job beyond the limit fails as `Error`, code
    /// `chain_too_long`, and names the last jobs of the chain. With 0, no execution may cause a job. Default:
    /// [`DEFAULT_MAX_CHAIN`](Self::DEFAULT_MAX_CHAIN).
    ///
    /// Handlers are code, so [`start`](Self::start) cannot know whether a loop ends. A job that goes on by publishing itself counts, too:
    /// raise the limit for a long one, or let a recurring command go on.
    #[must_use]
    pub fn max_chain(mut self, jobs: u32) -> Self {
        self.size_limits.chain = jobs;
        self
    }
}
