use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use super::any_value::AnyValue;
use super::fast_map::FastMap;

/// Capabilities by type: those of a runtime, or those with which a seed overrides them.
#[derive(Clone, Default)]
pub(crate) struct Capabilities(FastMap<TypeId, Arc<AnyValue>>);

impl Capabilities {
    /// Adds a capability, and replaces one of the same type.
    pub(crate) fn insert<T: ?Sized + Send + Sync + 'static>(&mut self, capability: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), Arc::new(AnyValue::new(capability)));
    }

    pub(crate) fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).and_then(|capability| capability.downcast_ref::<Arc<T>>()).cloned()
    }

    pub(crate) fn contains(&self, type_id: TypeId) -> bool {
        self.0.contains_key(&type_id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Compares capabilities by identity, not by value.
impl PartialEq for Capabilities {
    fn eq(&self, other: &Self) -> bool {
        let is_in_other = |(type_id, own): (&TypeId, &Arc<AnyValue>)| {
            other.0.get(type_id).is_some_and(|other| Arc::ptr_eq(own, other))
        };
        self.0.len() == other.0.len() && self.0.iter().all(is_in_other)
    }
}

impl Eq for Capabilities {}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} capabilities", self.0.len())
    }
}
