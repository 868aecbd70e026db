//! Invariants: conditions that an entity must meet.

use std::fmt::Display;

use crate::domain::{Entity, HasOneHandler};

/// A condition that an entity must meet ([r16](crate::rules#r16)). `#[invariant]` on a function implements it.
pub trait Invariant: 'static {
    /// The entity.
    type Entity: Entity;

    /// When it is checked: before the handler of a command, after an event was emitted, or [`Always`].
    type When: 'static;

    /// The code of a violation, for programs. Stable.
    const CODE: &'static str;

    /// The message of a violation, for people.
    const MESSAGE: &'static str;

    /// Checks the condition.
    fn check(entity: &Self::Entity, when: &Self::When) -> Verdict;
}

/// The scope of an invariant without `when`: checked at the end of every execution that writes the entity.
#[derive(Clone, Copy, Debug)]
pub struct Always;

/// Whether an invariant holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It is violated. The message, if any, replaces [`Invariant::MESSAGE`].
    Violated(Option<String>),
}

/// The return type of an invariant: `bool`, or `Result<(), impl Display>`.
#[diagnostic::on_unimplemented(
    message = "an invariant cannot return `{Self}`",
    label = "not a verdict",
    note = "return `bool`, or `Result<(), E>` with an `E` that implements `Display` and describes the violation"
)]
pub trait IntoVerdict {
    /// The verdict.
    fn into_verdict(self) -> Verdict;
}

#[diagnostic::do_not_recommend]
impl IntoVerdict for bool {
    fn into_verdict(self) -> Verdict {
        if self { Verdict::Holds } else { Verdict::Violated(None) }
    }
}

impl<E: Display> IntoVerdict for Result<(), E> {
    fn into_verdict(self) -> Verdict {
        match self {
            Ok(()) => Verdict::Holds,
            Err(message) => Verdict::Violated(Some(message.to_string())),
        }
    }
}

/// The scope of an invariant of the entity `E`: a command whose handler binds `E`, or an event ([r10](crate::rules#r10)).
#[diagnostic::on_unimplemented(
    message = "an invariant of `{E}` cannot be checked `when = {Self}`",
    label = "no handler of `{Self}` binds `{E}`",
    note = "`when` names a command whose handler takes `&mut {E}`, or an event"
)]
pub trait InvariantScope<E> {}

#[diagnostic::do_not_recommend]
impl<C: HasOneHandler<Entity = E>, E: Entity> InvariantScope<E> for C {}
