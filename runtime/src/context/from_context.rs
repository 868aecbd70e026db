use std::any::{TypeId, type_name};
use std::sync::Arc;

use super::execution_context::ExecutionContext;
use crate::domain::Entity;
use crate::model::{Failure, FailureKind, Identity};

/// A type of handler parameter that is extracted from the context ([r33](crate::rules#r33)). Implement it for parameters of
/// your own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be extracted from the context",
    label = "not a type of parameter",
    note = "a command handler takes its target entity as `&mut {Self}`, and other entities as `Repository<{Self}>`",
    note = "capabilities are taken as `Arc<{Self}>`, and strategies as `Box<dyn …>`",
    note = "`ExecutionContext`, `Identity`, `Option<Identity>` and all types that implement `FromContext` can be parameters too"
)]
pub trait FromContext: Sized {
    /// Extracts the value.
    ///
    /// # Errors
    /// If the execution has no such value. The attempt fails with this failure.
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure>;

    /// Declares what must be registered or provided for it. `start()` checks that it is.
    fn requires(requirements: &mut Requirements) {
        let _ = requirements;
    }
}

/// What the parameters of a handler require.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    pub(crate) capabilities: Vec<Requirement>,
    pub(crate) strategies: Vec<Requirement>,
    pub(crate) entities: Vec<Requirement>,
}

/// A required type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
}

impl Requirements {
    /// Adds everything that `T` requires, for a type that extracts a `T`.
    pub fn of<T: FromContext>(&mut self) {
        T::requires(self);
    }

    /// Adds a capability, which must be [provided](crate::RuntimeBuilder::provide).
    pub fn capability<T: ?Sized + Send + Sync + 'static>(&mut self) {
        add(&mut self.capabilities, Requirement { type_id: TypeId::of::<T>(), name: type_name::<T>() });
    }

    /// Adds an entity, which must be registered.
    pub fn entity<E: Entity>(&mut self) {
        add(&mut self.entities, Requirement { type_id: TypeId::of::<E>(), name: E::NAME });
    }

    /// Adds a strategy, without the requirements of its policy.
    pub(crate) fn add_strategy(&mut self, strategy: Requirement) {
        add(&mut self.strategies, strategy);
    }
}

impl ExecutionContext {
    /// Extracts a value as for a handler parameter of type `T` ([r33](crate::rules#r33)).
    ///
    /// # Errors
    /// Depend on the type. For an [`Identity`], `Denied` if the caller is anonymous.
    #[track_caller]
    pub fn extract<T: FromContext>(&self) -> Result<T, Failure> {
        T::from_context(self)
    }
}

fn add(requirements: &mut Vec<Requirement>, requirement: Requirement) {
    if !requirements.contains(&requirement) {
        requirements.push(requirement);
    }
}

#[diagnostic::do_not_recommend]
impl FromContext for ExecutionContext {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        Ok(context.clone())
    }
}

#[diagnostic::do_not_recommend]
impl FromContext for Identity {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        context.identity().cloned().ok_or_else(|| {
            Failure::denied(
                "an identity is required, and the caller is anonymous: publish inside \
                 `runtime.scope(ContextSeed::new().with_identity(…), …)`",
            )
        })
    }
}

#[diagnostic::do_not_recommend]
impl FromContext for Option<Identity> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        Ok(context.identity().cloned())
    }
}

/// A type that can be provided to a runtime: any that is `Send + Sync`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a capability: it is not `Send + Sync`",
    label = "not `Send + Sync`",
    note = "threads share capabilities: for a trait, write `trait …: Send + Sync`; in a struct, use `Mutex` in place of `RefCell`, and `Arc` in place of `Rc`"
)]
pub trait Capability: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Send + Sync + 'static> Capability for T {}

impl<T: ?Sized + Capability> FromContext for Arc<T> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        context.capability::<T>().ok_or_else(|| {
            let name = type_name::<T>();
            let message = format!(
                "the capability `{name}` is not provided: call `.provide::<{name}>(…)` on the builder"
            );
            Failure::new(FailureKind::Error, "missing_capability", message)
        })
    }

    fn requires(requirements: &mut Requirements) {
        requirements.capability::<T>();
    }
}
