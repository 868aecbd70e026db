use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::stored_name::{StoredName, vocabulary};

/// Why a command, an event handler or a call at the boundary failed ([r27](crate::rules#r27)).
///
/// A failure is plain data. It is stored with its job and passes through JSON unchanged. Match on its
/// [`kind`](Self::kind) or its [`code`](Self::code), not on its text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failure(pub(super) Box<Content>);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    kind: FailureKind,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    permanent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<Duration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) violations: Vec<Violation>,
    /// The fields of a stored failure that this version does not know.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// The kind of a [`Failure`]. Jobs fail with the first eleven. Calls at the boundary may return any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The input violates its schema.
    Invalid,
    /// The caller lacks the permission, or is anonymous.
    Denied,
    /// The entity does not exist, and `create = never`; or there is no such job.
    NotFound,
    /// The entity exists, and `create = always`.
    AlreadyExists,
    /// An invariant does not hold.
    Violated,
    /// Another execution changed the entity between load and commit.
    Conflict,
    /// The handler returned an error. The code is `error`, unless an error in the chain of sources implements
    /// [`Classify`](crate::Classify).
    Error,
    /// The handler panicked.
    Panicked,
    /// The attempt exceeded its timeout, the job its deadline, or a shutdown its own.
    TimedOut,
    /// The job was cancelled.
    Cancelled,
    /// The lease of the attempt's worker expired.
    Lost,
    /// Boundary: no command or event of that name is linked into this program.
    UnknownName,
    /// Boundary: the idempotency key belongs to a job with another command or payload.
    IdempotencyMismatch,
    /// Boundary: the store cannot be reached, or the runtime has shut down.
    Unavailable,
    /// Boundary: the call is not allowed here, such as `execute` inside an execution, or not in the job's state.
    Refused,
    /// Boundary: the [limit](crate::RuntimeBuilder::max_queued) of jobs of this name is reached.
    QueueFull,
    /// A kind that this version does not know, in a stored failure ([r07](crate::rules#r07)).
    Unknown(StoredName),
}

vocabulary! { FailureKind, "failure kind",
    Invalid = "invalid",
    Denied = "denied",
    NotFound = "not_found",
    AlreadyExists = "already_exists",
    Violated = "violated",
    Conflict = "conflict",
    Error = "error",
    Panicked = "panicked",
    TimedOut = "timed_out",
    Cancelled = "cancelled",
    Lost = "lost",
    UnknownName = "unknown_name",
    IdempotencyMismatch = "idempotency_mismatch",
    Unavailable = "unavailable",
    Refused = "refused",
    QueueFull = "queue_full",
}

impl FailureKind {
    /// Whether another attempt would fail the same way.
    fn is_final(self) -> bool {
        use FailureKind::{AlreadyExists, Cancelled, Denied, Invalid, NotFound, Violated};
        matches!(self, Invalid | Denied | NotFound | AlreadyExists | Violated | Cancelled)
    }
}

/// A violated schema constraint, or a violated invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pointer: Option<String>,
    pub(super) code: Cow<'static, str>,
    pub(super) message: String,
    /// The fields of a stored violation that this version does not know.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Violation {
    /// A violated schema constraint of the value at `pointer`, a JSON pointer (RFC 6901).
    pub fn at(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            pointer: Some(pointer.into()),
            code: code.into(),
            message: message.into(),
            unknown: Map::new(),
        }
    }

    /// A violated invariant.
    pub fn of(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { pointer: None, code: code.into(), message: message.into(), unknown: Map::new() }
    }

    /// The place in the input, as a JSON pointer; empty for the whole input, `None` for an invariant.
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// The schema keyword (`minimum`) or the invariant's code (`not_overdrawn`). Stable.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// A description for humans.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_deref() {
            None | Some("") => f.write_str(&self.message),
            Some(pointer) => write!(f, "{pointer}: {}", self.message),
        }
    }
}

impl Failure {
    /// A failure of a kind, with a stable code and a message for humans.
    pub fn new(kind: FailureKind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self(Box::new(Content {
            kind,
            code: code.into(),
            message: message.into(),
            permanent: false,
            retry_after: None,
            causes: Vec::new(),
            violations: Vec::new(),
            unknown: Map::new(),
        }))
    }

    /// A failure of kind [`FailureKind::Denied`] with the code `denied`.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Denied, "denied", message)
    }

    /// A failure of violations, with the code of the first.
    pub(crate) fn from_violations(
        kind: FailureKind,
        message: impl Into<String>,
        violations: Vec<Violation>,
    ) -> Self {
        let code = violations.first().map_or(Cow::Borrowed(kind.as_str()), |first| first.code.clone());
        let mut failure = Self::new(kind, code, message);
        failure.0.violations = violations;
        failure
    }

    /// Marks the failure as permanent: no policy retries it ([r22](crate::rules#r22)).
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    /// Sets the pause before the next attempt, in place of the policy's own, such as that of a `Retry-After` header. The
    /// policy's number of attempts still applies ([r22](crate::rules#r22)).
    #[must_use]
    pub fn retry_in(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    /// Appends to the [`violations`](Self::violations). The code stays as it is.
    #[must_use]
    pub fn with_violations(mut self, violations: impl IntoIterator<Item = Violation>) -> Self {
        self.0.violations.extend(violations);
        self
    }

    /// Appends the message of `source`, and the messages of its own chain of sources, to the [`causes`](Self::causes).
    ///
    /// Only the texts are kept. The code and whether the failure is permanent stay as they are; to take them from the
    /// error, use [`from_error`](Self::from_error).
    #[must_use]
    pub fn with_source(mut self, source: &dyn Error) -> Self {
        self.0.causes.push(source.to_string());
        self.with_sources_of(source)
    }

    /// Appends the messages of the chain of sources of `error`, but not its own, to the causes.
    #[must_use]
    pub(crate) fn with_sources_of(mut self, error: &dyn Error) -> Self {
        let sources = std::iter::successors(error.source(), |&source| source.source());
        self.0.causes.extend(sources.map(ToString::to_string));
        self
    }

    #[must_use]
    pub(crate) fn with_kind(mut self, kind: FailureKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The kind.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// Whether it was marked as [permanent](Self::permanent). Some kinds are never retried either; see
    /// [`Retry`](crate::Retry).
    pub fn is_permanent(&self) -> bool {
        self.0.permanent
    }

    /// The pause that [`retry_in`](Self::retry_in) has set.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether a policy may retry it.
    pub(crate) fn is_retryable(&self) -> bool {
        !self.0.permanent && !self.0.kind.is_final()
    }

    /// The stable code. For [`FailureKind::Violated`], the code of the first violated invariant.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The message, for humans.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The messages of the chain of sources, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// Every violation of the input's schema, or every violated invariant.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (index, violation) in self.0.violations.iter().enumerate() {
            write!(f, "{} {violation}", if index == 0 { ":" } else { ";" })?;
        }
        for cause in &self.0.causes {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {self}", self.0.kind, self.0.code)
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the order cannot be read")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the price is not a number")]
    struct Inner;

    #[test]
    fn r27_a_source_adds_its_message_and_its_own_sources() {
        let failure = Failure::new(FailureKind::Error, "bad_order", "rejected").with_source(&Outer(Inner));
        assert_eq!(failure.causes(), ["the order cannot be read", "the price is not a number"]);
        assert_eq!((failure.code(), failure.is_permanent()), ("bad_order", false));
        assert_eq!(failure.to_string(), "rejected: the order cannot be read: the price is not a number");
    }

    #[test]
    fn r07_what_a_newer_version_has_stored_is_kept() {
        let stored = serde_json::json!({
            "kind": "throttled", "code": "too_many", "message": "later", "hint": { "after": 5 },
            "violations": [{ "code": "minimum", "message": "too low", "severity": "warning" }],
        });
        let failure: Failure = serde_json::from_value(stored.clone()).expect("it is read");
        assert!(matches!(failure.kind(), FailureKind::Unknown(kind) if kind.as_str() == "throttled"));
        assert_eq!((failure.code(), failure.violations()[0].code()), ("too_many", "minimum"));
        assert_eq!(serde_json::json!(failure), stored);
    }

    #[test]
    fn r27_violations_are_added() {
        let failure = Failure::new(FailureKind::Invalid, "bad_order", "rejected")
            .with_violations([Violation::at("/price", "minimum", "too low")])
            .with_violations([Violation::of("solvent", "The customer is solvent.")]);
        assert_eq!(failure.code(), "bad_order");
        assert_eq!(failure.to_string(), "rejected: /price: too low; The customer is solvent.");
    }
}
