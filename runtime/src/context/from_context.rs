//! Handler parameters that are extracted from the context.

use std::any::{TypeId, type_name};
use std::sync::Arc;

use super::execution_context::ExecutionContext;
use crate::domain::Entity;
use crate::model::{Failure, FailureKind, Identity};

/// What a handler may take as a parameter, besides its command or event and its entity (r33).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be drawn from the context",
    label = "not something that can be taken like this",
    note = "the entity that a command targets is taken as `&mut {Self}` by the command's handler; other entities are read through a `Repository<{Self}>`",
    note = "what was provided to the runtime is taken as `Arc<{Self}>`, and a strategy as `Box<dyn …>`",
    note = "besides, there are `ExecutionContext`, `Identity` and `Option<Identity>`, and every type that implements `FromContext`"
)]
pub trait FromContext: Sized {
    /// Draws the value.
    ///
    /// # Errors
    /// If there is no such value for this execution: the attempt then fails with that failure.
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure>;

    /// What must be there for it; `start()` checks that it is (r33).
    fn requires(needs: &mut Requirements) {
        let _ = needs;
    }
}

/// What the parameters of a handler need to be there.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    pub(crate) capabilities: Vec<Needed>,
    pub(crate) strategies: Vec<Needed>,
    pub(crate) entities: Vec<Needed>,
}

/// Something that is needed, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) type_id: TypeId,
    pub(crate) name: &'static str,
}

impl Requirements {
    /// Whatever `T` requires: for a type that draws a `T` itself.
    pub fn of<T: FromContext>(&mut self) {
        T::requires(self);
    }

    /// The capability `T`, which the runtime must be [provided](crate::RuntimeBuilder::provide) with.
    pub fn capability<T: ?Sized + Send + Sync + 'static>(&mut self) {
        add(&mut self.capabilities, Needed { type_id: TypeId::of::<T>(), name: type_name::<T>() });
    }

    /// The entity `E`, which is read or saved besides the one that is bound.
    pub fn entity<E: Entity>(&mut self) {
        add(&mut self.entities, Needed { type_id: TypeId::of::<E>(), name: E::NAME });
    }
}

impl Requirements {
    /// A strategy, and not what its policy requires.
    pub(crate) fn add_strategy(&mut self, strategy: Needed) {
        add(&mut self.strategies, strategy);
    }
}

impl ExecutionContext {
    /// Extracts what a handler's parameter of type `T` gets ([r33](crate::rules#r33)).
    ///
    /// # Errors
    /// As the type says: an [`Identity`] is refused to an anonymous caller with `Denied`.
    pub fn extract<T: FromContext>(&self) -> Result<T, Failure> {
        T::from_context(self)
    }
}

fn add(needs: &mut Vec<Needed>, need: Needed) {
    if !needs.contains(&need) {
        needs.push(need);
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
            let message = "this needs to know who asks for it, and the caller is anonymous: \
                           publish inside `runtime.scope(ContextSeed::new().with_identity(…), …)`";
            Failure::denied(message)
        })
    }
}

#[diagnostic::do_not_recommend]
impl FromContext for Option<Identity> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        Ok(context.identity().cloned())
    }
}

/// What a runtime can be provided with: everything that threads can share.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared by the handlers that take it",
    label = "not `Send + Sync`",
    note = "what was provided to the runtime is used by several threads at once: write `trait …: Send + Sync`, or, in a struct, `Mutex` for `RefCell` and `Arc` for `Rc`"
)]
pub trait Capability: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + Send + Sync + 'static> Capability for T {}

impl<T: ?Sized + Capability> FromContext for Arc<T> {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        context.capability::<T>().ok_or_else(|| {
            let name = type_name::<T>();
            let message =
                format!("no `{name}` was provided: call `.provide::<{name}>(…)` on the runtime's builder");
            Failure::new(FailureKind::Error, "missing_capability", message)
        })
    }

    fn requires(needs: &mut Requirements) {
        needs.capability::<T>();
    }
}
