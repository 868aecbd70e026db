//! Functions of creation policies and invariants, with their types erased.

use std::any::Any;

use super::handlers::EntityHandler;
use super::invariant::{Invariant, Verdict};
use crate::domain::{Creation, cast_ref};
use crate::model::AnyValue;

pub(crate) fn create<H: EntityHandler>(command: &dyn Any) -> AnyValue {
    match H::creation() {
        Creation::Always(from) | Creation::IfMissing(from) => AnyValue::new(from(cast_ref(command))),
        Creation::Never => unreachable!("registered only for a policy that creates the entity"),
    }
}

pub(crate) fn check<I: Invariant>(entity: &dyn Any, when: &dyn Any) -> Verdict {
    I::check(cast_ref(entity), cast_ref(when))
}
