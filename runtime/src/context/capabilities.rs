use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// What a runtime was provided with, by type.
#[derive(Default)]
pub(crate) struct Capabilities(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Capabilities {
    /// Adds a capability in the place of one of the same type.
    pub(crate) fn insert<T: ?Sized + Send + Sync + 'static>(&mut self, capability: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), Box::new(capability));
    }

    pub(crate) fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).and_then(|capability| capability.downcast_ref::<Arc<T>>()).cloned()
    }

    pub(crate) fn has(&self, type_id: TypeId) -> bool {
        self.0.contains_key(&type_id)
    }
}
