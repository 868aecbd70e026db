//! What an error says of itself: its code, and whether a retry can help (r22, r27).

use std::borrow::Cow;
use std::error::Error;

use super::failure::{Failure, FailureKind};

/// An error that says which failure it is. `#[derive(Failure)]` implements it.
///
/// A handler returns any error; the outermost one in its chain of sources that implements this trait, and is
/// [`register!`](crate::register)ed, decides the failure's [`code`](Failure::code) and whether it is
/// [permanent](Failure::permanent). So it does not matter whether the error comes as itself, as a `Box<dyn Error>`,
/// wrapped by another error that names it as its source, or as an `anyhow::Error`.
///
/// Some errors hide the one that they are made of from whoever looks for its type, as they name its sources for their own:
///
/// - A `#[error(transparent)]` of thiserror. Write `#[failure(transparent)]` beside it.
/// - An `std::io::Error::other`. Let your own error type hold the error instead.
///
/// # Examples
/// What the derive generates for `enum WithdrawError`, by hand:
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
/// # fn main() -> Result<(), Box<dyn Error>> {
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
    message = "`{Self}` does not say which failure it is",
    label = "not a classified error",
    note = "write `#[derive(Failure)]` on `{Self}`",
    note = "if `{Self}` comes from another crate, write `#[failure(code = \"…\")]` instead of `#[failure(transparent)]`"
)]
pub trait Classify: Error + 'static {
    /// Which failure this error is.
    fn classify(&self) -> Classification;
}

/// Which failure an error is: its stable code, and whether a retry can help.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Classification {
    /// What it is, for code: [`Failure::code`]. Stable.
    pub code: Cow<'static, str>,
    /// Whether no policy retries it (r22).
    pub permanent: bool,
}

impl Classification {
    /// An error that another attempt may not meet. It is retried if the handler has a policy.
    pub fn transient(code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), permanent: false }
    }

    /// An error that is never retried, whatever the policy.
    pub fn permanent(code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), permanent: true }
    }

    /// What the outermost classified error of a chain of sources says; an unclassified error has the code `error`.
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

/// A box says what its content says.
#[diagnostic::do_not_recommend]
impl<E: Classify> Classify for Box<E> {
    fn classify(&self) -> Classification {
        E::classify(self)
    }
}

/// A failure behind another error gives it its code. It is permanent if it would not be retried itself.
#[diagnostic::do_not_recommend]
impl Classify for Failure {
    fn classify(&self) -> Classification {
        Classification { code: self.code().to_owned().into(), permanent: !self.may_pass_next_time() }
    }
}

impl Failure {
    /// The failure that an error stands for: a [`Failure`] as it is, any other error as [`FailureKind::Error`] with
    /// its chain of sources, and as the outermost of them that is [classified](crate::Classify) says.
    pub fn from_error(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) => Self::from_chain(&*error),
        }
    }

    fn from_chain(error: &(dyn Error + 'static)) -> Self {
        let Classification { code, permanent } = Classification::of_chain(error);
        let failure = Self::new(FailureKind::Error, code, error.to_string()).with_sources_of(error);
        if permanent { failure.permanent() } else { failure }
    }
}

/// Makes a classified error known, to be [`register!`](crate::register)ed: by its type, the runtime finds it among the
/// errors that handlers return.
#[derive(Debug)]
pub struct ErrorRegistration {
    classify: fn(&(dyn Error + 'static)) -> Option<Classification>,
}

inventory::collect!(ErrorRegistration);

impl ErrorRegistration {
    /// The error type `E`, boxed or not.
    pub const fn of<E: Classify>() -> Self {
        Self { classify: |error| classify_as::<E>(error).or_else(|| classify_as::<Box<E>>(error)) }
    }
}

fn classify_as<E: Classify>(error: &(dyn Error + 'static)) -> Option<Classification> {
    error.downcast_ref::<E>().map(Classify::classify)
}
