//! The limits of what is stored ([r08](crate::rules#r08)).

use crate::model::{CorrelationId, Failure, FailureKind, JobContext, Json, Key, SizeLimits};
use crate::store::{EntityKey, NewJob};

impl SizeLimits {
    /// Refuses a job whose keys or context are too large.
    pub(crate) fn check_job(&self, job: &NewJob) -> Result<(), Failure> {
        let name = &*job.name;
        for (what, key) in [
            ("target", &job.target),
            ("order key", &job.order_key),
            ("idempotency key", &job.idempotency_key),
        ] {
            if let Some(key) = key {
                self.check_key(what, &format_args!("`{name}`"), key)?;
            }
        }
        self.check_origin(name, &job.context, &job.correlation)
    }

    /// Refuses what is published or emitted in a context that is too large.
    pub(crate) fn check_origin(
        &self,
        name: &str,
        context: &JobContext,
        correlation: &CorrelationId,
    ) -> Result<(), Failure> {
        let bytes = correlation.as_str().len();
        if bytes > self.key_bytes {
            let what = format!("the correlation id of `{name}`");
            return Err(too_large(
                FailureKind::Invalid,
                "key_too_long",
                &what,
                bytes,
                self.key_bytes,
                "max_key_bytes",
            ));
        }
        let bytes = context.bytes();
        if bytes > self.context_bytes {
            let largest = context.parts().max_by_key(|(_, bytes)| *bytes);
            let (part, part_bytes) = largest.unwrap_or_default();
            let what = format!("the context of `{name}`, of which {part} has {part_bytes} bytes,");
            let limit = self.context_bytes;
            return Err(too_large(
                FailureKind::Invalid,
                "context_too_large",
                &what,
                bytes,
                limit,
                "max_context_bytes",
            ));
        }
        Ok(())
    }

    fn check_key(&self, what: &str, of: &dyn std::fmt::Display, key: &Key) -> Result<(), Failure> {
        let bytes = key.as_str().len();
        if bytes <= self.key_bytes {
            return Ok(());
        }
        let what = format!("the {what} of {of}");
        Err(too_large(FailureKind::Invalid, "key_too_long", &what, bytes, self.key_bytes, "max_key_bytes"))
    }

    /// Refuses an entity that is too large to be stored.
    pub(crate) fn check_entity(&self, key: &EntityKey, body: &Json) -> Result<(), Failure> {
        self.check_key("id", &format_args!("`{}`", key.entity), &key.id)?;
        let bytes = body.as_str().len();
        if bytes <= self.entity_bytes {
            return Ok(());
        }
        let (what, limit) = (key.to_string(), self.entity_bytes);
        let failure =
            too_large(FailureKind::Error, "entity_too_large", &what, bytes, limit, "max_entity_bytes");
        Err(failure.permanent())
    }

    /// Refuses an output that is too large to be stored.
    pub(crate) fn check_output(&self, name: &str, output: &Json) -> Result<(), Failure> {
        let bytes = output.as_str().len();
        if bytes <= self.output_bytes {
            return Ok(());
        }
        let (what, limit) = (format!("the output of the handler of `{name}`"), self.output_bytes);
        let failure =
            too_large(FailureKind::Error, "output_too_large", &what, bytes, limit, "max_output_bytes");
        Err(failure.permanent())
    }
}

fn too_large(
    kind: FailureKind,
    code: &'static str,
    what: &str,
    bytes: usize,
    limit: usize,
    option: &str,
) -> Failure {
    let message = format!(
        "{what} has {bytes} bytes, and the limit is {limit}: store large content elsewhere and keep a reference, or raise \
         `{option}` on the builder"
    );
    Failure::new(kind, code, message)
}
