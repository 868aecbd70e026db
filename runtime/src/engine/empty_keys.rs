//! Empty keys are refused ([r25](crate::rules#r25), [r26](crate::rules#r26)).

use super::engine::Engine;
use crate::domain::KeyFields;
use crate::model::{Failure, FailureKind, Key, Violation};
use crate::store::NewJob;

impl Engine {
    /// Refuses a job with an empty key, or with keys or a context that are too large.
    pub(crate) fn check_job(&self, job: &NewJob) -> Result<(), Failure> {
        let fields = self.plans.command(&job.name).map(|plan| plan.part.fields).ok();
        check_keys(job, fields)?;
        self.size_limits.check_job(job)
    }
}

/// An empty text is what a client sends that has no key. All such requests would be one, or share a lane.
fn check_keys(job: &NewJob, fields: Option<KeyFields>) -> Result<(), Failure> {
    let is_empty = |key: &Option<Key>| key.as_ref().is_some_and(|key| key.as_str().is_empty());
    let (what, effect, field) = if is_empty(&job.idempotency_key) {
        ("idempotency key", "be one request", fields.and_then(|fields| fields.idempotency_key))
    } else if is_empty(&job.order_key) {
        ("order key", "share one lane", fields.and_then(|fields| fields.order_by))
    } else {
        return Ok(());
    };
    // A key that was given by call is not in the payload.
    let is_in_payload = |field: &&str| job.payload.value().is_ok_and(|payload| payload[field] == "");
    let field = field.filter(is_in_payload);
    let source = field.map_or_else(String::new, |field| format!(" (its field `{field}`)"));
    let name = &job.name;
    let message = format!(
        "the {what} of `{name}`{source} is empty, and all `{name}` without one would {effect}: use an `Option` that is `None` if there \
         is no key, or give each its own"
    );
    let pointer = field.map_or_else(String::new, |field| format!("/{field}"));
    let violation = Violation::at(pointer, "empty_key", message);
    Err(Failure::from_violations(FailureKind::Invalid, format!("`{name}` is invalid"), vec![violation]))
}
