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

/// The type of a field of a command or an event. That it is one is proved of the whole struct, so that a field's type
/// that is none is one error, and not one for each derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a field of a command or an event",
    label = "it has a field of type `{Self}`",
    note = "put `#[value]` on the type; if it is made of others, as `Option<…>` and `Vec<…>` are, on those",
    note = "if the type is another crate's, turn on that crate's `serde` feature, and schemars' feature for the crate"
)]
pub trait MessageField: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema> MessageField for T {}

/// The type of a field of an entity, as [`MessageField`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a field of an entity",
    label = "it has a field of type `{Self}`",
    note = "put `#[value]` on the type; if it is made of others, as `Option<…>` and `Vec<…>` are, on those",
    note = "if the type is another crate's, turn on that crate's `serde` feature"
)]
pub trait EntityField: serde::Serialize + serde::de::DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned> EntityField for T {}

/// Proofs of what no bound of a generated implementation proves. Each fails to compile with the message of its trait, at
/// the user's own token.
///
/// A proof is asked for only of types that are what they should be: of a command, whether it has a target; of what is no
/// command, nothing, since that is an error already. So every proof is an associated function of [`Of`](assert::Of) under that
/// condition, and one of [`Otherwise`](assert::Otherwise), which proves nothing; the compiler takes the former where it can.
pub mod assert {
    use std::marker::PhantomData;

    use serde::Serialize;

    use crate::{Command, Entity, InvariantScope, Key, Untargeted};

    /// The type or types that a proof is about.
    pub struct Of<T: ?Sized>(PhantomData<T>);

    pub trait Otherwise: Sized {
        fn beside<T>(of: Of<T>) -> Of<T> {
            of
        }
        fn untargeted(self) {}
        fn scope() {}
        fn usable_as_key() {}
        fn key<T>(_: &T) -> Option<Key> {
            None
        }
    }

    impl<T: ?Sized> Otherwise for Of<T> {}

    /// The beginning of a proof.
    pub const fn of<T: ?Sized>() -> Of<T> {
        Of(PhantomData)
    }

    /// Of a type that is drawn: an entity that is taken by value was meant to be bound, so nothing more is asked of the
    /// command that is handled.
    impl<E: Entity> Of<E> {
        pub fn beside<T>(_: Of<T>) -> Of<()> {
            of()
        }
    }

    impl<C: Command> Of<C> {
        pub fn untargeted(self)
        where
            C: Untargeted,
        {
        }
    }

    impl<E: Entity, W> Of<(E, W)> {
        pub fn scope()
        where
            W: InvariantScope<E>,
        {
        }
    }

    /// What is not equal to itself, or not to what it is written as, names nothing.
    pub trait Float {}

    impl Float for f32 {}
    impl Float for f64 {}
    impl Float for Option<f32> {}
    impl Float for Option<f64> {}

    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot name an entity, a request or a lane",
        label = "not a key",
        note = "a key is compared, and floats that look alike differ: take an integer, a text, or a type of your own around one"
    )]
    pub trait UsableAsKey {}

    impl<F: Float> Of<F> {
        pub fn usable_as_key()
        where
            F: UsableAsKey,
        {
        }
    }

    impl<T: Serialize> Of<T> {
        pub fn key(value: &T) -> Option<Key> {
            Key::of(value)
        }
    }
}
