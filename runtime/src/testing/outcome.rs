//! The outcome of what a test has run, and the expectations of it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::difference::{difference, listing, pretty};
use super::executed_attempt::ExecutedAttempt;
use super::list::{CommandList, EventList, Message};
use super::stored::StoredEntities;
use crate::domain::Entity;
use crate::handler::Strategy;
use crate::model::clock::{Timestamp, add_saturating};
use crate::model::{Cause, Failure, FailureKind, Job, JobId, JobState, Json, Key};
use crate::store::{StoredEntity, StoredEvent};

/// The outcome of what a test has run: what is stored afterwards, compared with what was stored before.
///
/// Each `then_…` method panics at the caller's line unless its expectation holds, and returns the outcome for the next one.
/// Entities, events and commands are compared by their stored JSON, so they need neither `PartialEq` nor `Debug`.
#[must_use = "check it, for example with `then_succeeds`"]
pub struct Outcome {
    pub(super) what: String,
    /// Why it was refused at the boundary.
    pub(super) refused: Option<Failure>,
    pub(super) attempts: Vec<ExecutedAttempt>,
    pub(super) emitted: Vec<StoredEvent>,
    pub(super) published: Vec<Job>,
    pub(super) before: StoredEntities,
    pub(super) after: StoredEntities,
    pub(super) now: Timestamp,
}

#[expect(clippy::missing_panics_doc, reason = "the docs of the type say when all of them do")]
impl Outcome {
    /// The jobs have succeeded. For a request whose [job existed already](crate::Publish::idempotency_key), that one has.
    #[track_caller]
    pub fn then_succeeds(&self) -> &Self {
        self.each_attempt("succeed", |executed| executed.job.state == JobState::Succeeded);
        self
    }

    /// The jobs have succeeded, and their handlers returned this output.
    #[track_caller]
    pub fn then_returns<T: Serialize + ?Sized>(&self, output: &T) -> &Self {
        self.then_succeeds();
        let expected = serde_json::to_value(output)
            .unwrap_or_else(|error| panic!("the expected output cannot be written as JSON: {error}"));
        for ExecutedAttempt { job, .. } in &self.attempts {
            let found = job.output.as_ref().map_or(Value::Null, |output| output.value().unwrap_or_default());
            assert!(
                found == expected,
                "the output of `{}` differs\n{}",
                job.name,
                difference(&pretty(&expected), &pretty(&found))
            );
        }
        self
    }

    /// It failed with this kind and code, at the boundary or in every attempt, whether or not a retry follows.
    #[track_caller]
    pub fn then_fails(&self, kind: FailureKind, code: &str) -> &Self {
        let is_expected = |failure: &Failure| failure.kind() == kind && failure.code() == code;
        match &self.refused {
            Some(failure) => {
                assert!(
                    is_expected(failure),
                    "expected {} to fail as {kind} ({code}); {}",
                    self.what,
                    self.summary()
                );
            }
            None => {
                self.each_attempt(&format!("fail as {kind} ({code})"), |executed| {
                    executed.failure().is_some_and(is_expected)
                });
            }
        }
        self
    }

    /// The process crashed during the last attempt, which is still stored as running.
    #[track_caller]
    pub fn then_crashes(&self) -> &Self {
        let last = self.attempts.last();
        assert!(
            last.is_some_and(|executed| executed.job.state == JobState::Running),
            "expected {} to crash and stay running; {}",
            self.what,
            self.summary()
        );
        self
    }

    /// It failed, and is retried after this pause.
    #[track_caller]
    pub fn then_retries_in(&self, pause: Duration) -> &Self {
        let due_at = add_saturating(self.now, pause);
        self.each_attempt(&format!("be retried in {pause:?}, at {due_at}"), |executed| {
            is_retried(executed) && executed.job.due_at == Some(due_at)
        });
        self
    }

    /// It failed, and is retried at some time, for example after a pause with jitter.
    #[track_caller]
    pub fn then_retries(&self) -> &Self {
        self.each_attempt("be retried", is_retried);
        self
    }

    /// It failed, and is not retried.
    #[track_caller]
    pub fn then_gives_up(&self) -> &Self {
        self.each_attempt("fail without a retry", |executed| executed.job.state == JobState::Failed);
        self
    }

    /// It committed exactly these events, in this order.
    #[track_caller]
    pub fn then_emits(&self, events: impl EventList) -> &Self {
        self.expect_events(&events.into_messages());
        self
    }

    /// It committed no events.
    #[track_caller]
    pub fn then_emits_nothing(&self) -> &Self {
        self.expect_events(&[]);
        self
    }

    /// It published exactly these commands, in this order.
    #[track_caller]
    pub fn then_publishes(&self, commands: impl CommandList) -> &Self {
        self.expect_commands(&commands.into_messages());
        self
    }

    /// It published no commands.
    #[track_caller]
    pub fn then_publishes_nothing(&self) -> &Self {
        self.expect_commands(&[]);
        self
    }

    /// The entity is stored like this afterwards, whether or not it was changed.
    #[track_caller]
    pub fn then_entity<E: Entity>(&self, entity: &E) -> &Self {
        let expected = serde_json::to_value(entity)
            .unwrap_or_else(|error| panic!("the expected entity cannot be written as JSON: {error}"));
        let key = key_of::<E>(entity.id());
        let Some(stored) = self.after.get(&(E::NAME, key.clone())) else {
            panic!("after {}, {} {key} does not exist; {}", self.what, E::NAME, self.summary());
        };
        let found = stored.body.value().unwrap_or_default();
        assert!(
            found == expected,
            "after {}, {} {key} differs\n{}\n{}",
            self.what,
            E::NAME,
            difference(&pretty(&expected), &pretty(&found)),
            self.summary()
        );
        self
    }

    /// The entity does not exist afterwards.
    #[track_caller]
    pub fn then_no_entity<E: Entity>(&self, id: &E::Id) -> &Self {
        let key = key_of::<E>(id);
        if let Some(stored) = self.after.get(&(E::NAME, key.clone())) {
            let found = pretty(&stored.body.value().unwrap_or_default());
            panic!("after {}, {} {key} exists:\n{found}\n{}", self.what, E::NAME, self.summary());
        }
        self
    }

    /// It emitted and published nothing, and changed no entity.
    #[track_caller]
    pub fn then_changes_nothing(&self) -> &Self {
        self.then_emits_nothing().then_publishes_nothing();
        assert!(
            self.before == self.after,
            "{} changed entities\n{}\n{}",
            self.what,
            difference(&entities(&self.before), &entities(&self.after)),
            self.summary()
        );
        self
    }

    /// The policy of this strategy chose this variant, each time and at least once ([r40](crate::rules#r40)).
    #[track_caller]
    pub fn then_chooses<S: Strategy + ?Sized>(&self, variant: &str) -> &Self {
        let attempts = self.attempts.iter().filter_map(|executed| executed.attempt.as_ref());
        let choices = attempts.flat_map(|attempt| &attempt.strategies);
        let chosen: Vec<_> =
            choices.filter(|choice| choice.strategy == S::NAME).map(|choice| &*choice.variant).collect();
        assert!(
            !chosen.is_empty() && chosen.iter().all(|chosen| *chosen == variant),
            "expected {} to choose `{variant}` for `{}`; it chose {chosen:?}; {}",
            self.what,
            S::NAME,
            self.summary()
        );
        self
    }

    /// Attempts of exactly these commands and event handlers were executed, in this order.
    #[track_caller]
    pub fn then_ran<const N: usize>(&self, names: [&str; N]) -> &Self {
        let executed: Vec<_> = self.attempts.iter().map(|executed| &*executed.job.name).collect();
        assert!(
            executed == names,
            "the executed attempts differ\n{}\n{}",
            difference(&lines(&names), &lines(&executed)),
            self.summary()
        );
        self
    }

    /// The part of the outcome that the attempts of one command or event handler have caused.
    ///
    /// # Panics
    /// If there was no such attempt.
    #[track_caller]
    pub fn of(mut self, name: &str) -> Self {
        assert!(
            self.attempts.iter().any(|executed| &*executed.job.name == name),
            "no attempt of `{name}` was executed; {}",
            self.summary()
        );
        self.attempts.retain(|executed| &*executed.job.name == name);
        let is_cause = |job: JobId| self.attempts.iter().any(|executed| executed.job.id == job);
        self.emitted.retain(|event| event.cause.is_some_and(is_cause));
        self.published.retain(|job| matches!(job.cause, Some(Cause::Job(cause)) if is_cause(cause)));
        self.what = format!("`{name}`");
        self
    }

    /// The executed attempts, in order.
    pub fn attempts(&self) -> &[ExecutedAttempt] {
        &self.attempts
    }

    /// The job of the one attempt that was executed.
    ///
    /// # Panics
    /// If none was executed, or several.
    #[track_caller]
    pub fn job(&self) -> &Job {
        match &*self.attempts {
            [executed] => &executed.job,
            _ => panic!("{} is not one attempt; {}", self.what, self.summary()),
        }
    }

    /// Why it failed: at the boundary, or in its last attempt.
    pub fn failure(&self) -> Option<&Failure> {
        self.refused.as_ref().or_else(|| self.attempts.last().and_then(ExecutedAttempt::failure))
    }

    /// Expects that there was an attempt, and that this holds for every one.
    #[track_caller]
    fn each_attempt(&self, expected_to: &str, holds: impl Fn(&ExecutedAttempt) -> bool) {
        assert!(
            self.refused.is_none() && !self.attempts.is_empty() && self.attempts.iter().all(holds),
            "expected {} to {expected_to}; {}",
            self.what,
            self.summary()
        );
    }

    #[track_caller]
    fn expect_events(&self, expected: &[Message]) {
        let found: Vec<_> = self.emitted.iter().map(|event| message(&event.name, &event.payload)).collect();
        assert!(
            expected == found,
            "the events emitted by {} differ\n{}\n{}",
            self.what,
            difference(&listing(expected), &listing(&found)),
            self.summary()
        );
    }

    #[track_caller]
    fn expect_commands(&self, expected: &[Message]) {
        let found: Vec<_> = self.published.iter().map(|job| message(&job.name, &job.payload)).collect();
        assert!(
            expected == found,
            "the commands published by {} differ\n{}\n{}",
            self.what,
            difference(&listing(expected), &listing(&found)),
            self.summary()
        );
    }

    /// What happened, for messages.
    fn summary(&self) -> String {
        if let Some(failure) = &self.refused {
            return format!("it was refused at the boundary: {failure:?}");
        }
        match &*self.attempts {
            [] => "nothing ran".to_owned(),
            [executed] => executed.to_string(),
            attempts => attempts
                .iter()
                .fold("the attempts:".to_owned(), |text, executed| format!("{text}\n  {executed}")),
        }
    }
}

fn is_retried(executed: &ExecutedAttempt) -> bool {
    executed.job.state == JobState::Waiting && executed.failure().is_some()
}

fn message(name: &str, payload: &Json) -> Message {
    Message { name: name.to_owned(), payload: payload.value().unwrap_or_default() }
}

#[track_caller]
fn key_of<E: Entity>(id: &E::Id) -> Key {
    Key::of(id).unwrap_or_else(|| panic!("the id of a `{}` must not be null", E::NAME))
}

fn entities(entities: &StoredEntities) -> String {
    let entity = |((name, key), stored): (&(&str, Key), &StoredEntity)| {
        let body = pretty(&stored.body.value().unwrap_or_default());
        format!("{name} {key}, version {}: {body}\n", stored.version)
    };
    entities.iter().map(entity).collect()
}

fn lines(names: &[&str]) -> String {
    names.iter().flat_map(|name| [name, "\n"]).collect()
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outcome({}; {})", self.what, self.summary())
    }
}
