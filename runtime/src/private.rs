//! What expansions of the attributes may name besides the public traits. Not for people: it changes without notice,
//! together with `enact-macros`, whose version is locked to this crate's.

pub use inventory;
pub use schemars;
pub use serde;

/// Proofs that the user's types are what an attribute takes them for. Each fails to compile where one is not, with the
/// message of its trait, at the user's own token.
pub mod assert {
    use crate::{
        Command, CreatedFrom, Entity, Event, FromContext, Handled, IntoOutcome, InvariantScope, Targeted,
        Untargeted,
    };

    pub const fn command<C: Command>() {}
    pub const fn handled<C: Handled>() {}
    pub const fn targeted<C: Targeted>() {}
    pub const fn untargeted<C: Untargeted>() {}
    pub const fn event<E: Event>() {}
    pub const fn entity<E: Entity>() {}
    pub const fn created_from<E: CreatedFrom<C>, C>() {}
    pub const fn outcome<O: IntoOutcome>() {}
    pub const fn from_context<T: FromContext>() {}
    pub const fn scope<E: Entity, W: InvariantScope<E>>() {}
}
