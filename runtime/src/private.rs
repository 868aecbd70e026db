//! Items for the expansions of the attributes. Not part of the public API: they change together with `enact-macros`, whose
//! version is locked to this crate's.

pub use async_trait::async_trait;
pub use inventory;
pub use schemars;
pub use serde;
pub use serde_json;

/// The schema of a struct variant without fields.
pub struct NoFields;

impl schemars::JsonSchema for NoFields {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NoFields".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "object", "properties": {} })
    }
}

/// Implemented for each variant of a strategy, by the hash of its name. A second variant of the name would be a second
/// implementation, which the compiler rejects.
pub trait HasOneVariantNamed<const HASH: u64> {}

/// The type of a field of a command or an event. It is a single bound, so that a type that is unsuitable is one error
/// instead of one for each derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a field of a command or an event",
    label = "has a field of the type `{Self}`",
    note = "put `#[value]` on the type, or on the types inside it, as in `Option<…>` or `Vec<…>`",
    note = "for a type of `chrono`, `jiff`, `rust_decimal`, `url` or `uuid`, enable the feature of enact with the name of the crate",
    note = "for a type of another crate, enable that crate's `serde` feature, and the feature of schemars for the crate"
)]
pub trait MessageField: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned + schemars::JsonSchema> MessageField for T {}

/// The type of a field of an entity, like [`MessageField`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the type of a field of an entity",
    label = "has a field of the type `{Self}`",
    note = "put `#[value]` on the type, or on the types inside it, as in `Option<…>` or `Vec<…>`",
    note = "for a type of `chrono`, `jiff`, `rust_decimal`, `url` or `uuid`, enable the feature of enact with the name of the crate",
    note = "for a type of another crate, enable that crate's `serde` feature"
)]
pub trait EntityField: serde::Serialize + serde::de::DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned> EntityField for T {}

/// Assertions about types that the bounds of the generated implementations do not cover. A failing one reports the message of
/// its trait at the user's own token.
///
/// Each assertion applies only to types that pass the basic checks, since other types have an error already: whether a command
/// has a target is asserted only of commands. So each is an inherent function of [`Of`](assert::Of), bounded by that
/// condition, with a fallback in the trait [`Otherwise`](assert::Otherwise) that asserts nothing. The compiler prefers the
/// inherent function if its condition holds.
pub mod assert {
    use std::marker::PhantomData;

    use serde::Serialize;

    use crate::{Command, Entity, InvariantScope, Key, Untargeted};

    /// The type or types that an assertion is about.
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

    /// Starts an assertion.
    pub const fn of<T: ?Sized>() -> Of<T> {
        Of(PhantomData)
    }

    /// An entity that is taken by value is an error already, and was meant to be bound. So nothing is asserted of the
    /// command.
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

    /// Types that are unsuitable as keys, since equal values may compare as different or have different texts.
    pub trait Float {}

    impl Float for f32 {}
    impl Float for f64 {}
    impl Float for Option<f32> {}
    impl Float for Option<f64> {}

    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be a key of an entity, a request or a lane",
        label = "not a key",
        note = "floats have no reliable equality: use an integer, a string, or a newtype around one"
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
