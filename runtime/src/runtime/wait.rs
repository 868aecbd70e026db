//! Waiting for a job to end.

use serde::de::DeserializeOwned;

use crate::domain::Command;
use crate::engine::{Ended, Engine, ended, no_such_job};
use crate::model::{Failure, FailureKind, Job, JobId, JobKind, Json};

/// The command whose output a handle is typed for.
#[derive(Clone, Copy)]
pub(super) struct ExpectedCommand {
    name: &'static str,
    aliases: &'static [&'static str],
}

impl ExpectedCommand {
    pub(super) fn of<C: Command>() -> Self {
        Self { name: C::NAME, aliases: C::ALIASES }
    }

    /// Refuses a job of another command or of an event handler.
    fn check(self, job: &Job) -> Result<(), Failure> {
        let is_named = *job.name == *self.name || self.aliases.contains(&&*job.name);
        if job.kind == JobKind::Command && is_named {
            return Ok(());
        }
        let kind = match job.kind {
            JobKind::Command => "command",
            JobKind::EventHandler => "event handler",
            JobKind::Unknown(kind) => kind.as_str(),
        };
        let message = format!(
            "job {} is of the {kind} `{}`, and the handle was made for the command `{}`; use `jobs().handle_of` with the job's \
             own command, or `jobs().handle` for its output as JSON",
            job.id, job.name, self.name
        );
        Err(Failure::new(FailureKind::Refused, "other_command", message))
    }
}

pub(super) async fn stored_job(engine: &Engine, id: JobId) -> Result<Job, Failure> {
    engine.store.job(id).await?.ok_or_else(|| no_such_job(id))
}

/// Waits until a job has ended, in this process or in another.
pub(super) async fn wait(engine: &Engine, id: JobId, expected: Option<ExpectedCommand>) -> Ended {
    let mut watch = engine.waiters.watch(id);
    let job = stored_job(engine, id).await?;
    if let Some(expected) = expected {
        expected.check(&job)?;
    }
    match ended(job) {
        Some(ended) => ended,
        None => watch.ended_anywhere().await,
    }
}

pub(super) fn parse_output<T: DeserializeOwned>(output: &Json) -> Result<T, Failure> {
    output.parse().map_err(|error| {
        let message = format!(
            "the job succeeded, but its stored output does not fit the command's output type: {error}; read it as JSON \
             with `jobs().handle`, or make the type accept it"
        );
        Failure::new(FailureKind::Error, "unreadable_output", message)
    })
}
