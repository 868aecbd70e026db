use serde::Serialize;
use serde::de::DeserializeOwned;

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
