use serde::Serialize;
use serde::de::DeserializeOwned;

use super::command::Targeted;

/// An object with an identity, on which commands act. `#[entity]` implements this trait.
///
/// An entity is stored as JSON under its name and the [`Key`](crate::Key) of its id, with a version that each commit checks
/// ([r17](crate::rules#r17)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "not an entity",
    note = "put `#[entity]` on the struct `{Self}`; its identity is the field `id`, or another by `#[entity(id = field)]`"
)]
pub trait Entity: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name in the store ([r52](crate::rules#r52)). Stable.
    const NAME: &'static str;

    /// The type of the identity.
    type Id: Serialize;

    /// The identity, which never changes.
    fn id(&self) -> &Self::Id;
}

/// The creation policy of a handler: how an execution obtains its entity ([r12](crate::rules#r12)).
#[derive(Clone, Copy, Debug)]
pub enum Creation<C, E> {
    /// It must exist; otherwise the command fails with `NotFound`.
    Never,
    /// It is created from the command, and must not exist; otherwise the command fails with `AlreadyExists`.
    Always(fn(&C) -> E),
    /// It is loaded, or created from the command if it does not exist.
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

/// An entity that can be created from the command `C`: every `E: for<'a> From<&'a C>`. Implement `From`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be created from `{C}`",
    label = "`create = always` and `create = if_missing` create the `{Self}` from the command",
    note = "write `impl From<&{C}> for {Self} {{ fn from(command: &{C}) -> Self {{ … }} }}`"
)]
pub trait CreatedFrom<C> {
    /// Creates the entity.
    fn created_from(command: &C) -> Self;
}

#[diagnostic::do_not_recommend]
impl<C, E: for<'a> From<&'a C>> CreatedFrom<C> for E {
    fn created_from(command: &C) -> Self {
        Self::from(command)
    }
}

/// An entity that the command `C` can target: its identity has the type of the command's target.
pub trait TargetOf<C>: Entity {}

impl<C, E> TargetOf<C> for E
where
    C: Targeted<Id: SameIdentity<E::Id>>,
    E: Entity,
{
}

/// Implemented by each type for itself: proves that a command's target has the type of an entity's identity.
#[diagnostic::on_unimplemented(
    message = "the command's target has the type `{Self}`, but the entity's identity has the type `{Id}`",
    label = "this entity's identity has the type `{Id}`",
    note = "the target is the identity of the entity that the command acts on: give both fields the same type"
)]
pub trait SameIdentity<Id> {}

#[diagnostic::do_not_recommend]
impl<Id> SameIdentity<Id> for Id {}
