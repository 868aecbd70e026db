//! What handlers may return.

use std::error::Error;

use crate::domain::Output;
use crate::model::Failure;

/// What a handler may return: `()`, or a `Result` with an [`Output`] and a [`HandlerError`].
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "this does not say whether it succeeded",
    note = "return `()` if it always does, or else a `Result`: `Result<{Self}, Failure>`"
)]
pub trait IntoOutcome {
    /// The output of success.
    type Output;

    /// The outcome.
    ///
    /// # Errors
    /// The failure that the returned error stands for.
    fn into_outcome(self) -> Result<Self::Output, Failure>;
}

/// What a handler may return when it fails: an error, or what can be made into a boxed one (r27).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler",
    label = "its error is no `std::error::Error`, or cannot be sent between threads",
    note = "implement `std::error::Error` for it, by `#[derive(thiserror::Error)]` for example, or return a `Failure`, an `anyhow::Error` or a `String`",
    note = "it goes from thread to thread: a boxed error is a `Box<dyn Error + Send + Sync>`"
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

/// The error in a box. `anyhow::Error::into` hides the type of the error behind it, and with it the classification, so it is
/// unwrapped by anyhow's own method.
#[cfg(feature = "anyhow")]
fn boxed<E: HandlerError>(error: E) -> Box<dyn Error + Send + Sync> {
    let mut error = Some(error);
    let anyhow =
        (&mut error as &mut dyn std::any::Any).downcast_mut::<Option<anyhow::Error>>().and_then(Option::take);
    let kept = anyhow.map(anyhow::Error::reallocate_into_boxed_dyn_error_without_backtrace);
    kept.or_else(|| error.map(Into::into)).expect("an error that is not anyhow's is left")
}

#[cfg(not(feature = "anyhow"))]
fn boxed<E: HandlerError>(error: E) -> Box<dyn Error + Send + Sync> {
    error.into()
}
