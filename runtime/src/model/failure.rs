use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a command, an event handling or a call at the boundary did not succeed (r27).
///
/// A failure is data: it travels with its job, through the store and through JSON, unchanged. Code that reacts to one
/// asks for its [`kind`](Self::kind) or its [`code`](Self::code), never for its text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failure(Box<Content>);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    kind: FailureKind,
    code: Cow<'static, str>,
    message: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    permanent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<Duration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    violations: Vec<Violation>,
}

/// The kinds of failure (r27). The first eleven end on jobs; the rest are met only by callers at the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The input violates its schema (r11).
    Invalid,
    /// The caller may not do this, or is not known.
    Denied,
    /// `create = never`, and the entity does not exist (r12).
    NotFound,
    /// `create = always`, and the entity exists (r12).
    AlreadyExists,
    /// An invariant does not hold (r16).
    Violated,
    /// The entity was changed by another execution between load and commit (r17).
    Conflict,
    /// The handler returned an error. Its code, and whether it is [permanent](Failure::permanent), are what the outermost
    /// error in its chain says that implements [`Classify`](crate::Classify), as by `#[derive(Failure)]`. If none does, the
    /// code is `error`, and a policy retries it.
    Error,
    /// The handler panicked.
    Panicked,
    /// The attempt took longer than it may.
    TimedOut,
    /// The job was cancelled.
    Cancelled,
    /// The attempt's worker died before it could report (r23).
    Lost,
    /// At the boundary: no command or event of that name is linked into this program.
    UnknownName,
    /// At the boundary: the idempotency key stands on record with another command or payload (r25).
    IdempotencyMismatch,
    /// At the boundary: the store cannot be reached, or the runtime has shut down.
    Unavailable,
    /// At the boundary: the call is not allowed where it was made, as `execute` inside an execution (r14), or not in the state
    /// that the job is in (r20).
    Refused,
    /// At the boundary: as many jobs of this name wait already as [may](crate::RuntimeBuilder::max_queued).
    QueueFull,
}

impl FailureKind {
    /// The kind's stable name, as in JSON: `not_found`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Violated => "violated",
            Self::Conflict => "conflict",
            Self::Error => "error",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::UnknownName => "unknown_name",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::QueueFull => "queue_full",
        }
    }

    /// Whether what failed like this would fail again (r22).
    fn is_final(self) -> bool {
        use FailureKind::{AlreadyExists, Cancelled, Denied, Invalid, NotFound, Violated};
        matches!(self, Invalid | Denied | NotFound | AlreadyExists | Violated | Cancelled)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that is wrong: a violated schema constraint or a violated invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    code: Cow<'static, str>,
    message: String,
}

impl Violation {
    /// A violation of a schema at the value that the JSON pointer (RFC 6901) `pointer` names.
    pub fn at(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { pointer: Some(pointer.into()), code: code.into(), message: message.into() }
    }

    /// A violated invariant.
    pub fn of(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { pointer: None, code: code.into(), message: message.into() }
    }

    /// Where in the input, as a JSON pointer; the empty pointer is the whole input. `None` for an invariant.
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// The schema keyword (`minimum`) or the invariant's code (`not_overdrawn`). Stable.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What is wrong, for people.
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
    /// A failure of a kind, with a stable code and a message for people.
    pub fn new(kind: FailureKind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self(Box::new(Content {
            kind,
            code: code.into(),
            message: message.into(),
            permanent: false,
            retry_after: None,
            causes: Vec::new(),
            violations: Vec::new(),
        }))
    }

    /// A failure of kind [`FailureKind::Denied`] with the code `denied`.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Denied, "denied", message)
    }

    /// A failure that consists of violations; its code is the first one's.
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

    /// The same failure, never to be retried, whatever the policy (r22).
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.permanent = true;
        self
    }

    /// Sets the pause before the next attempt, in place of the policy's own: for a remote service that says when to come
    /// back. The policy's number of attempts still applies ([r22](crate::rules#r22)).
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

    /// The same failure, of another kind.
    #[must_use]
    pub(crate) fn of_kind(mut self, kind: FailureKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// Whether it was declared to be permanent. Besides, failures of some kinds are never retried: see
    /// [`Retry`](crate::Retry).
    pub fn is_permanent(&self) -> bool {
        self.0.permanent
    }

    /// The pause that [`retry_in`](Self::retry_in) has set.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether another attempt may come to another end (r22).
    pub(crate) fn may_pass_next_time(&self) -> bool {
        !self.0.permanent && !self.0.kind.is_final()
    }

    /// What it is, for code: stable. Of [`FailureKind::Violated`], the first violated invariant's code.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// What it is, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The messages of the errors behind it, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// Everything that was wrong with the input, or every invariant that did not hold.
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
