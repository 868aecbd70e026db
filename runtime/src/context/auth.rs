//! Authorization helpers. The runtime itself does not use them ([r35](crate::rules#r35)).
//!
//! ```
//! use enact::auth::{require_role, with_identity};
//! use enact::prelude::*;
//!
//! async fn close_the_till() -> Result<(), Failure> {
//!     let teller = require_role("teller")?;
//!     println!("closed by {}", teller.subject());
//!     Ok(())
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let ada = Identity::user("ada").with_role("teller");
//! assert!(with_identity(ada, close_the_till()).await.is_ok());
//!
//! let denied = with_identity(Identity::user("bob"), close_the_till()).await.unwrap_err();
//! assert_eq!((denied.kind(), denied.code()), (FailureKind::Denied, "missing_role"));
//! # });
//! ```

use super::execution_context::ExecutionContext;
use crate::model::{ContextSeed, Failure, FailureKind, Identity};

/// Returns the identity of the caller. A handler parameter of type [`Identity`] is equivalent.
///
/// # Errors
/// `Denied` with the code `denied` if the caller is anonymous, or there is no context.
pub fn require_user() -> Result<Identity, Failure> {
    match ExecutionContext::current() {
        Some(context) => context.extract(),
        None => Err(Failure::denied(
            "an identity is required, but there is no context: call this below a handler, or inside \
             `runtime.scope(…)`",
        )),
    }
}

/// Returns the identity of the caller if it has a role.
///
/// # Errors
/// `Denied` with the code `missing_role` if it lacks the role, and as [`require_user`].
pub fn require_role(role: &str) -> Result<Identity, Failure> {
    let identity = require_user()?;
    if identity.has_role(role) {
        return Ok(identity);
    }
    let message = format!("the role `{role}` is required, and {} does not have it", identity.subject());
    Err(Failure::new(FailureKind::Denied, "missing_role", message))
}

/// Runs a future in the current context with another identity, which what it publishes and emits carries. If there is no
/// context, it opens one, as [`with_context`](super::with_context) does.
///
/// Below a handler, the future stages its effects in the same execution.
pub fn with_identity<F: Future>(identity: Identity, future: F) -> impl Future<Output = F::Output> + use<F> {
    let context = match ExecutionContext::current() {
        Some(context) => context.with_identity(identity),
        None => ExecutionContext::of_scope(None, ContextSeed::new().with_identity(identity)),
    };
    context.scope(future)
}
