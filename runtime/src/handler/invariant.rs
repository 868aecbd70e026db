//! What must hold of an entity.

use std::fmt::Display;

use crate::domain::{Entity, HasOneHandler};

/// What must hold of an entity (r16). `#[invariant]` on a function implements it.
pub trait Invariant: 'static {
    /// The entity.
    type Entity: Entity;

    /// The command before whose handler it is checked, the event whose emission it is checked at, or [`Always`].
    type When: 'static;

    /// What it is, for code: stable.
    const CODE: &'static str;

    /// What it says, for people.
    const MESSAGE: &'static str;

    /// Whether it holds.
    fn check(entity: &Self::Entity, when: &Self::When) -> Verdict;
}

/// The scope of an invariant without `when`: checked at the end of every execution that writes the entity.
#[derive(Clone, Copy, Debug)]
pub struct Always;

/// Whether an invariant holds. Made of what its function returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not; the message, where the function gave one, is more particular than the invariant's own.
    Violated(Option<String>),
}

/// What an invariant's function may return.
#[diagnostic::on_unimplemented(
    message = "an invariant cannot return `{Self}`",
    label = "this does not say whether it holds",
    note = "return `bool`, or `Result<(), E>` with an `E` that implements `Display`, to say more particularly what does not hold"
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

/// A command whose handler binds the entity `E`, or an event: what an invariant of `E` may be scoped by (r10).
#[diagnostic::on_unimplemented(
    message = "an invariant of `{E}` cannot be checked `when = {Self}`",
    label = "no handler of `{Self}` binds `{E}`",
    note = "`when` names a command whose handler takes `&mut {E}`, or an event"
)]
pub trait InvariantScope<E> {}

#[diagnostic::do_not_recommend]
impl<C: HasOneHandler<Entity = E>, E: Entity> InvariantScope<E> for C {}
