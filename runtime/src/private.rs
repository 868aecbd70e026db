//! What expansions of the attributes may name besides the public traits. Not for people: it changes without notice,
//! together with `enact-macros`, whose version is locked to this crate's.

pub use async_trait::async_trait;
pub use inventory;
pub use schemars;
pub use serde;
pub use serde_json;

/// That a strategy has one variant of the name with this hash: a second one is a second implementation, which the compiler
/// refuses (r40).
pub trait HasOneVariantNamed<const HASH: u64> {}

/// Proofs of what no bound of a generated implementation proves. Each fails to compile with the message of its trait, at
/// the user's own token.
pub mod assert {
    use crate::{Entity, InvariantScope, Untargeted};

    pub const fn untargeted<C: Untargeted>() {}
    pub const fn scope<E: Entity, W: InvariantScope<E>>() {}
}
