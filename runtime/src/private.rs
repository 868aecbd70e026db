//! What expansions of the attributes may name besides the public traits. Not for people: it changes without notice,
//! together with `enact-macros`, whose version is locked to this crate's.

pub use inventory;
pub use schemars;
pub use serde;

/// Proofs of what no bound of a generated implementation proves. Each fails to compile with the message of its trait, at
/// the user's own token.
pub mod assert {
    use crate::{Entity, InvariantScope, Untargeted};

    pub const fn untargeted<C: Untargeted>() {}
    pub const fn scope<E: Entity, W: InvariantScope<E>>() {}
}
