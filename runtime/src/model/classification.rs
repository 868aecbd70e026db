//! How an error determines the code of its failure and whether it is retried.

use std::borrow::Cow;
use std::error::Error;

use super::drop_caught::drop_caught;
use super::failure::{Failure, FailureKind};

/// An error that determines its failure's code and whether it is retried. `#[derive(Failure)]` implements it.
///
/// A handler may return any error. The outermost error in its chain of sources that implements this trait and is
/// [`register!`](crate::register)ed determines the failure's [`code`](Failure::code), and whether it is
/// [permanent](Failure::permanent). The error may be returned as it is, as a `Box<dyn Error>`, as an `anyhow::Error`, or
/// as the source of another error.
///
/// Two kinds of wrapper hide the error they wrap, because their `source` skips it:
///
/// - thiserror's `#[error(transparent)]`: add `#[failure(transparent)]`.
/// - `std::io::Error::other`: wrap the error in a type of your own instead.
///
/// # Examples
/// The expansion of `#[derive(Failure)]`, written by hand:
///
/// ```standalone_crate
/// use std::fmt;
///
/// use enact::prelude::*;
/// use enact::{Classification, Classify, ErrorRegistration, MemoryStore};
///
/// #[derive(Debug)]
/// enum WithdrawError {
///     Suspicious,
///     Unreachable,
/// }
///
/// impl Classify for WithdrawError {
///     fn classify(&self) -> Classification {
///         match self {
///             Self::Suspicious => Classification::permanent("suspicious"),
///             Self::Unreachable => Classification::transient("vendor_down"),
///         }
///     }
/// }
///
/// enact::register! { ErrorRegistration::of::<WithdrawError>() }
///
/// impl fmt::Display for WithdrawError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str(match self {
///             Self::Suspicious => "the withdrawal looks like fraud",
///             Self::Unreachable => "the vendor cannot be reached",
///         })
///     }
/// }
///
/// impl std::error::Error for WithdrawError {}
///
/// /// Take money out.
/// #[command]
/// struct Withdraw {
///     cents: u64,
/// }
///
/// #[command(retry = Retry::fixed(3, Duration::ZERO))]
/// async fn withdraw(withdrawal: Withdraw) -> Result<(), WithdrawError> {
///     Err(if withdrawal.cents > 1000_00 { WithdrawError::Suspicious } else { WithdrawError::Unreachable })
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let bank = Runtime::builder(MemoryStore::new()).start().await?;
///
/// let failure = bank.execute(Withdraw { cents: 2000_00 }).await.unwrap_err();
/// assert_eq!((failure.code(), failure.is_permanent()), ("suspicious", true));
///
/// let failure = bank.execute(Withdraw { cents: 5_00 }).await.unwrap_err();
/// assert_eq!((failure.code(), failure.is_permanent()), ("vendor_down", false));
/// # Ok(()) }) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Classify`",
    label = "not a classified error",
    note = "write `#[derive(Failure)]` on `{Self}`",
    note = "if `{Self}` comes from another crate, write `#[failure(code = \"…\")]` instead of `#[failure(transparent)]`"
)]
pub trait Classify: Error + 'static {
    /// The code of this error, and whether it is permanent.
    fn classify(&self) -> Classification;
}

/// The code of an error, and whether it is permanent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Classification {
    /// The [`Failure::code`]. Stable.
    pub code: Cow<'static, str>,
    /// Whether it is never retried, whatever the policy ([r22](crate::rules#r22)).
    pub permanent: bool,
}

impl Classification {
    /// An error that may not recur in another attempt. It is retried if the handler has a policy.
    pub fn transient(code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), permanent: false }
    }

    /// An error that is never retried, whatever the policy.
    pub fn permanent(code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), permanent: true }
    }

    /// The classification of the outermost classified error in the chain; `error`, transient, if there is none.
    pub(crate) fn of_chain(error: &(dyn Error + 'static)) -> Self {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(Self::of)
            .unwrap_or_else(|| Self::transient("error"))
    }

    fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        inventory::iter::<ErrorRegistration>
            .into_iter()
            .find_map(|registration| (registration.classify)(error))
    }
}

#[diagnostic::do_not_recommend]
impl<E: Classify> Classify for Box<E> {
    fn classify(&self) -> Classification {
        E::classify(self)
    }
}

/// A failure in the chain of sources passes its code on. It is permanent if its kind is not retried, too.
#[diagnostic::do_not_recommend]
impl Classify for Failure {
    fn classify(&self) -> Classification {
        Classification { code: self.code().to_owned().into(), permanent: !self.is_retryable() }
    }
}

impl Failure {
    /// Converts an error. A [`Failure`] is returned unchanged. Any other error becomes a [`FailureKind::Error`] with its
    /// chain of sources as causes; its code, and whether it is permanent, come from the outermost
    /// [classified](crate::Classify) error in that chain.
    pub fn from_error(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) => {
                let failure = Self::from_chain(&*error);
                drop_caught(error);
                failure
            }
        }
    }

    fn from_chain(error: &(dyn Error + 'static)) -> Self {
        let Classification { code, permanent } = Classification::of_chain(error);
        let failure = Self::new(FailureKind::Error, code, error.to_string()).with_sources_of(error);
        if permanent { failure.permanent() } else { failure }
    }
}

/// Registers a type of classified errors, by [`register!`](crate::register), so that the runtime finds errors of the type
/// in the chains of sources that handlers return.
#[derive(Debug)]
pub struct ErrorRegistration {
    classify: fn(&(dyn Error + 'static)) -> Option<Classification>,
}

inventory::collect!(ErrorRegistration);

impl ErrorRegistration {
    /// Registers `E` and `Box<E>`.
    pub const fn of<E: Classify>() -> Self {
        Self { classify: |error| classify_as::<E>(error).or_else(|| classify_as::<Box<E>>(error)) }
    }
}

fn classify_as<E: Classify>(error: &(dyn Error + 'static)) -> Option<Classification> {
    error.downcast_ref::<E>().map(Classify::classify)
}
