use std::any::Any;
use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};

use super::drop_caught::drop_caught;

/// A value of the user's that the runtime holds, with its type erased. A panic in its `Drop` changes no outcome
/// ([r15](crate::rules#r15)).
pub(crate) struct AnyValue(Box<dyn Any + Send + Sync>);

impl AnyValue {
    pub(crate) fn new(value: impl Any + Send + Sync) -> Self {
        Self(Box::new(value))
    }

    /// The value; `None` if it has another type.
    pub(crate) fn into_inner<T: 'static>(mut self) -> Option<T> {
        self.take().downcast().ok().map(|value| *value)
    }

    fn take(&mut self) -> Box<dyn Any + Send + Sync> {
        mem::replace(&mut self.0, Box::new(()))
    }
}

impl fmt::Debug for AnyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyValue(…)")
    }
}

impl Deref for AnyValue {
    type Target = dyn Any + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl DerefMut for AnyValue {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.0
    }
}

impl Drop for AnyValue {
    fn drop(&mut self) {
        drop_caught(self.take());
    }
}
