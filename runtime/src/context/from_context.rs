use std::any::{TypeId, type_name};
use std::sync::Arc;

use super::{ExecutionContext, Identity, Repository};
use crate::{Entity, Failure, FailureKind};

/// What a handler may take as a parameter, besides its command or event and its entity (r33).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be drawn from the context",
    label = "not something that a handler can take",
    note = "the entity that the command targets is bound by reference: `&mut {Self}`",
    note = "a capability that was provided to the runtime is taken as `Arc<…>`",
    note = "besides, a handler can take an `ExecutionContext`, an `Identity`, an `Option<Identity>`, a `Repository<…>`, and every type that implements `FromContext`"
)]
pub trait FromContext: Sized {
    /// Draws the value.
    ///
    /// # Errors
    /// If there is no such value for this execution: the attempt then fails with that failure.
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure>;

    /// The capability that must be provided for it. `start()` checks that it is (r33).
    fn requires() -> Option<Requirement> {
        None
    }
}

/// A capability that some parameter of a handler needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
}

impl Requirement {
    /// The capability `T`.
    pub fn capability<T: ?Sized + Send + Sync + 'static>() -> Self {
        Self { type_id: TypeId::of::<T>(), type_name: type_name::<T>() }
    }
}

impl FromContext for ExecutionContext {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        Ok(context.clone())
    }
}

impl FromContext for Identity {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        context.identity().cloned().ok_or_else(|| {
            let message = "this needs to know who asks for it, and the caller is anonymous: \
                           publish inside `runtime.scope(ContextSeed::new().identity(…), …)`";
            Failure::denied(message)
        })
    }
}

impl FromContext for Option<Identity> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        Ok(context.identity().cloned())
    }
}

impl<T: ?Sized + Send + Sync + 'static> FromContext for Arc<T> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        context.capability::<T>().ok_or_else(|| {
            let name = type_name::<T>();
            let message =
                format!("no `{name}` was provided: call `.provide::<{name}>(…)` on the runtime's builder");
            Failure::new(FailureKind::Error, "missing_capability", message)
        })
    }

    fn requires() -> Option<Requirement> {
        Some(Requirement::capability::<T>())
    }
}

impl<E: Entity> FromContext for Repository<E> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        Ok(Self::new(context.clone()))
    }
}
