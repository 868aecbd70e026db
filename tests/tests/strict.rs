//! The generated code passes strict lints, and neither needs nor shadows a name of its surroundings.
#![no_implicit_prelude]
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, clippy::pedantic)]

// Imported, so that `unused_qualifications` would report a qualified path to one of these traits.
#[allow(unused_imports)]
use ::enact::{
    Classify, Command, Entity, Event, EventHandler, ExecutionContext, FromContext, Handler, HasOneHandler,
    Key, Targeted,
};
use ::std::clone::Clone;
// The code that schemars derives needs these in scope.
use ::std::convert::{From, Into};
use ::std::string::String;

/// A constant with a name that an unhygienic expansion would bind.
pub const __CONTEXT: u8 = 0;

/// A type that the standard library has too.
#[::enact::value]
#[derive(Clone)]
pub enum Option {
    /// One.
    Some,
    /// The other.
    None,
}

/// An entity with the name of a generic parameter.
#[::enact::entity(id = r#type)]
pub struct E {
    /// Its identity, by the name of a keyword.
    pub r#type: String,
    /// A constraint, so that it has a schema.
    #[schemars(range(min = 1))]
    pub count: u8,
}

/// A command by the name of a type of the standard library.
#[::enact::command(target = r#type, idempotency_key = key)]
#[derive(Clone, ::enact::__private::serde::Serialize)]
pub struct Result {
    /// The target.
    pub r#type: String,
    /// A field whose type is the user's.
    pub key: Option,
}

impl From<&Result> for E {
    fn from(result: &Result) -> Self {
        Self { r#type: Clone::clone(&result.r#type), count: __CONTEXT }
    }
}

/// A function by the name of a keyword.
#[::enact::command(create = always)]
pub async fn r#async(_: Result, context: ExecutionContext, E { count, .. }: &mut E) {
    *count += 1;
    ::core::mem::drop(context);
}

/// An event by the name of a generic parameter.
#[::enact::event]
pub struct T {}

/// A handler with a condition.
#[cfg(test)]
#[::enact::event_handler]
#[cfg(test)]
pub async fn context(_: T, _: ExecutionContext) {}

/// A handler that is not compiled.
#[::enact::event_handler]
#[cfg(any())]
pub async fn absent(_: T, _: Missing) {}

/// Two can be counted.
#[::enact::invariant(when = T)]
fn r#const(e: &E) -> bool {
    e.count < 2
}

/// An error by the name of what it is classified as, with variants by the names of the prelude's.
#[derive(::std::fmt::Debug, ::enact::Failure)]
pub enum Classification {
    /// One.
    Ok,
    /// One with a field.
    #[failure(permanent)]
    Err(u8),
    /// One that is no longer used.
    #[deprecated]
    None {},
    /// One that says what its field says.
    #[failure(transparent)]
    Nothing {
        /// An error without cases, by the name of a keyword.
        r#type: Nothing,
    },
}

/// An error that never occurs.
#[derive(::std::fmt::Debug, ::enact::Failure)]
pub enum Nothing {}

impl ::std::fmt::Display for Classification {
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        f.write_str("an error")
    }
}

impl ::std::fmt::Display for Nothing {
    fn fmt(&self, _: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
        match *self {}
    }
}

impl ::std::error::Error for Classification {}

impl ::std::error::Error for Nothing {}

#[::core::prelude::v1::test]
fn names_are_those_of_the_types() {
    ::core::assert_eq!(Classification::Ok.classify().code, "ok");
    ::core::assert_eq!(Classification::Err(1).classify(), ::enact::Classification::permanent("err"));
    ::core::assert_eq!(Result::NAME, "Result");
    ::core::assert_eq!(T::NAME, "T");
    ::core::assert_eq!(E::NAME, "E");
}
