//! Who may do something: helpers that the core itself never asks for (r35).
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
//! let refused = with_identity(Identity::user("bob"), close_the_till()).await.unwrap_err();
//! assert_eq!((refused.kind(), refused.code()), (FailureKind::Denied, "missing_role"));
//! # });
//! ```

use super::execution_context::ExecutionContext;
use crate::model::{ContextSeed, Failure, FailureKind, Identity};

/// Who asks. As a parameter of a handler, [`Identity`] does the same.
///
/// # Errors
/// `Denied` with the code `denied` if they are anonymous, and outside of any context.
pub fn require_user() -> Result<Identity, Failure> {
    match ExecutionContext::current() {
        Some(context) => context.extract(),
        None => Err(Failure::denied(
            "this needs to know who asks for it, and it was called outside of any context: call it below a handler, \
             or inside `runtime.scope(…)`",
        )),
    }
}

/// Who asks, if they have the role.
///
/// # Errors
/// `Denied` with the code `missing_role` if they have not, and otherwise as [`require_user`].
pub fn require_role(role: &str) -> Result<Identity, Failure> {
    let identity = require_user()?;
    if identity.has_role(role) {
        return Ok(identity);
    }
    let message = format!("this needs the role `{role}`, which {} does not have", identity.subject());
    Err(Failure::new(FailureKind::Denied, "missing_role", message))
}

/// Runs a future in the same context, as somebody else: what it publishes and emits carries `identity` (r31). Outside of
/// any context it opens one, as [`with_context`](super::with_context) does.
///
/// Below a handler, what the future stages is committed with the rest of the execution.
pub fn with_identity<F: Future>(identity: Identity, future: F) -> impl Future<Output = F::Output> + use<F> {
    let context = match ExecutionContext::current() {
        Some(context) => context.of_identity(identity),
        None => ExecutionContext::of_scope(None, ContextSeed::new().with_identity(identity)),
    };
    context.scope(future)
}
