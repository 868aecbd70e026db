//! The return types of handlers.

use std::error::Error;

use crate::domain::Output;
use crate::model::Failure;

/// The return type of a handler: `()`, or a `Result` with an [`Output`] and a [`HandlerError`].
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "not an outcome",
    note = "return `()`, or a `Result` such as `Result<{Self}, Failure>`"
)]
pub trait IntoOutcome {
    /// The output of a handler that succeeds.
    type Output;

    /// Converts the returned value.
    ///
    /// # Errors
    /// The failure for the returned error.
    fn into_outcome(self) -> Result<Self::Output, Failure>;
}

/// The error of a handler: a `std::error::Error`, or a type that converts into a boxed one ([r27](crate::rules#r27)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "not a `std::error::Error`, or not `Send` and `Sync`",
    note = "implement `std::error::Error`, for example with `#[derive(thiserror::Error)]`, or return a `Failure`, an `anyhow::Error` or a `String`",
    note = "a handler may move between threads: write a boxed error as `Box<dyn Error + Send + Sync>`"
)]
pub trait HandlerError: Into<Box<dyn Error + Send + Sync>> + 'static {}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>> + 'static> HandlerError for E {}

#[diagnostic::do_not_recommend]
impl IntoOutcome for () {
    type Output = ();

    fn into_outcome(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<T: Output, E: HandlerError> IntoOutcome for Result<T, E> {
    type Output = T;

    fn into_outcome(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(boxed(error)))
    }
}

/// Boxes the error. `into` would hide the type of the error in an `anyhow::Error`, and with it the classification. anyhow's own
/// conversion keeps it.
#[cfg(feature = "anyhow")]
fn boxed<E: HandlerError>(error: E) -> Box<dyn Error + Send + Sync> {
    let mut error = Some(error);
    let anyhow =
        (&mut error as &mut dyn std::any::Any).downcast_mut::<Option<anyhow::Error>>().and_then(Option::take);
    let kept = anyhow.map(anyhow::Error::reallocate_into_boxed_dyn_error_without_backtrace);
    kept.or_else(|| error.map(Into::into)).expect("the error is not an `anyhow::Error`, so it was not taken")
}

#[cfg(not(feature = "anyhow"))]
fn boxed<E: HandlerError>(error: E) -> Box<dyn Error + Send + Sync> {
    error.into()
}
