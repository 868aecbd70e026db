//! Checking invariants.

use std::any::{Any, TypeId};
use std::sync::Arc;

use super::binding::WrittenEntity;
use super::engine::Engine;
use crate::context::StagedEvent;
use crate::domain::Entity;
use crate::handler::{Always, Verdict};
use crate::model::{Failure, FailureKind, Violation};
use crate::register::InvariantPart;
use crate::store::EntityKey;
use crate::wiring::Plans;

/// Evaluates all of these invariants, each with the value of its scope, and reports all that are violated.
pub(super) fn check<'a>(
    key: &EntityKey,
    entity: &dyn Any,
    scoped: impl Iterator<Item = (&'a Arc<InvariantPart>, &'a dyn Any)>,
) -> Result<(), Failure> {
    let violations: Vec<_> = scoped
        .filter_map(|(invariant, scope)| match (invariant.check)(entity, scope) {
            Verdict::Holds => None,
            Verdict::Violated(message) => {
                Some(Violation::of(invariant.code, message.unwrap_or_else(|| invariant.message.to_owned())))
            }
        })
        .collect();
    let message = match violations.len() {
        0 => return Ok(()),
        1 => format!("{key} violates an invariant"),
        count => format!("{key} violates {count} invariants"),
    };
    Err(Failure::from_violations(FailureKind::Violated, message, violations))
}

/// Checks the invariants of an entity to be written: those that are scoped by the emitted events, and those without a scope.
pub(super) fn check_written(
    plans: &Plans,
    written: &WrittenEntity,
    events: &[StagedEvent],
) -> Result<(), Failure> {
    let Some(invariants) = plans.invariants(written.part.type_id) else { return Ok(()) };
    let by_event = events.iter().flat_map(|event| {
        let scoped = invariants.by_event.get(&event.type_id).into_iter().flatten();
        scoped.map(|invariant| (invariant, &*event.value as &dyn Any))
    });
    let always = invariants.always.iter().map(|invariant| (invariant, &Always as &dyn Any));
    check(&written.key, &*written.entity, by_event.chain(always))
}

/// Checks the invariants without a scope, for an entity that no execution has bound.
pub(crate) fn check_always<E: Entity>(engine: &Engine, key: &EntityKey, entity: &E) -> Result<(), Failure> {
    let invariants = engine.plans.invariants(TypeId::of::<E>());
    let always = invariants.iter().flat_map(|invariants| &invariants.always);
    check(key, entity, always.map(|invariant| (invariant, &Always as &dyn Any)))
}
