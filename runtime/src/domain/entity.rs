//! Entities.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::command::Targeted;

/// A thing with an identity that commands act on. `#[entity]` implements it.
///
/// An entity lies in the store as JSON, under its name and its id's [`Key`](crate::Key), with a version that every
/// commit checks (r17).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "not an entity",
    note = "put `#[entity]` on the struct `{Self}`; its identity is the field `id`, or `#[entity(id = field)]`"
)]
pub trait Entity: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the entity is called in the store (r52). Stable.
    const NAME: &'static str;

    /// The type of its identity.
    type Id: Serialize;

    /// Its identity, which never changes.
    fn id(&self) -> &Self::Id;
}

/// How an execution comes by its entity (r12).
#[derive(Clone, Copy, Debug)]
pub enum Creation<C, E> {
    /// It must exist: `NotFound` otherwise.
    Never,
    /// It must not exist, `AlreadyExists` otherwise, and is made from the command.
    Always(fn(&C) -> E),
    /// It is loaded, or made from the command.
    IfMissing(fn(&C) -> E),
}

impl<C, E: CreatedFrom<C>> Creation<C, E> {
    /// `create = always`.
    pub const fn always() -> Self {
        Self::Always(E::created_from)
    }

    /// `create = if_missing`.
    pub const fn if_missing() -> Self {
        Self::IfMissing(E::created_from)
    }
}

/// An entity that can be made from a command: every `E: for<'a> From<&'a C>`.
///
/// Implement `From`. How an entity begins is the domain's own code (r12).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be created from `{C}`",
    label = "`create = always` and `create = if_missing` make the `{Self}` from the command",
    note = "write `impl From<&{C}> for {Self} {{ fn from(command: &{C}) -> Self {{ … }} }}`"
)]
pub trait CreatedFrom<C> {
    /// Makes the entity that a command begins.
    fn created_from(command: &C) -> Self;
}

#[diagnostic::do_not_recommend]
impl<C, E: for<'a> From<&'a C>> CreatedFrom<C> for E {
    fn created_from(command: &C) -> Self {
        Self::from(command)
    }
}

/// An entity that the command `C` targets: every one whose identity is of the type of the command's target.
pub trait TargetOf<C>: Entity {}

impl<C, E> TargetOf<C> for E
where
    C: Targeted<Id: SameIdentity<E::Id>>,
    E: Entity,
{
}

/// That the target of a command is of the type of an entity's identity: every type, of itself.
#[diagnostic::on_unimplemented(
    message = "the command's target is of type `{Self}`, and the entity's identity of type `{Id}`",
    label = "this entity's identity is of type `{Id}`",
    note = "the target is the identity of the entity that the command acts on: give both fields the same type"
)]
pub trait SameIdentity<Id> {}

#[diagnostic::do_not_recommend]
impl<Id> SameIdentity<Id> for Id {}
