use std::fmt;
use std::panic::Location;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::difference::{difference, listing, pretty};
use super::list::{CommandList, EventList, Message};
use super::record::{self, Entities, answered};

use crate::domain::Entity;
use crate::handler::Strategy;
use crate::model::clock::{Timestamp, after};
use crate::model::{Attempt, Failure, FailureKind, Job, JobId, JobState, Key};
use crate::runtime::Runtime;
use crate::store::{Cursor, StoredEvent};

/// What is on record before something runs, to be compared with what is there afterwards.
pub(super) struct Witness {
    runtime: Runtime,
    what: String,
    /// The line of the test.
    pub(super) place: &'static Location<'static>,
    entities: Entities,
    seen: Cursor,
}

impl Witness {
    pub(super) async fn of(
        runtime: &Runtime,
        what: String,
        place: &'static Location<'static>,
        seen: Cursor,
    ) -> Self {
        let engine = runtime.engine();
        let entities = answered(record::entities(engine).await, place);
        let events = answered(record::events_after(engine, seen).await, place);
        let seen = events.last().map_or(seen, |event| event.cursor);
        Self { runtime: runtime.clone(), what, place, entities, seen }
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// The last event that was on record.
    pub(super) fn seen(&self) -> Cursor {
        self.seen
    }

    /// The door has refused it.
    pub(super) async fn refused(self, failure: Failure) -> Outcome {
        let mut outcome = self.ran(Vec::new()).await;
        outcome.refused = Some(failure);
        outcome
    }

    /// These attempts were made.
    pub(super) async fn ran(self, ran: Vec<Ran>) -> Outcome {
        let Self { runtime, what, place, entities: before, seen } = self;
        let engine = runtime.engine();
        let after = answered(record::entities(engine).await, place);
        let events = answered(record::events_after(engine, seen).await, place);
        let jobs: Vec<_> = ran.iter().map(|ran| ran.job.clone()).collect();
        let published = answered(record::published_by(engine, &jobs).await, place);
        let known = |event: &StoredEvent| ran.iter().any(|ran| event.cause == Some(ran.job.id));
        let emitted = events.into_iter().filter(known).collect();
        Outcome { what, refused: None, ran, emitted, published, before, after, now: engine.clock.now() }
    }
}

/// One attempt that was made, as it stands on record.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The job, right after the attempt.
    pub job: Job,
    /// The attempt; `None` if there was none, as what is asked for is another program's to do.
    pub attempt: Option<Attempt>,
}

impl Ran {
    /// The attempt of a number, or the last one.
    pub(super) async fn of(
        runtime: &Runtime,
        id: JobId,
        number: Option<u32>,
        place: &'static Location<'static>,
    ) -> Self {
        let store = &runtime.engine().store;
        let Some(job) = answered(store.job(id).await, place) else {
            panic!("{place}: job {id} is no longer on record");
        };
        let mut attempts = answered(store.attempts(id).await, place);
        let attempt = match number {
            Some(number) => attempts.into_iter().find(|attempt| attempt.number == number),
            None => attempts.pop(),
        };
        Self { job, attempt }
    }

    fn failure(&self) -> Option<&Failure> {
        self.attempt.as_ref().and_then(|attempt| attempt.failure.as_ref())
    }
}

/// What became of it, in one line.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, attempt } = self;
        write!(f, "`{}` (job {}", job.name, job.id)?;
        if let Some(attempt) = attempt {
            write!(f, ", attempt {}", attempt.number)?;
        }
        f.write_str("): ")?;
        match (self.failure(), attempt.as_ref().and_then(|attempt| attempt.reached)) {
            (Some(failure), Some(step)) => write!(f, "failed at step {step}: {failure:?}; now ")?,
            (Some(failure), None) => write!(f, "failed: {failure:?}; now ")?,
            (None, _) => {}
        }
        match job.due_at {
            Some(due_at) => write!(f, "{} until {due_at}", job.state),
            None => write!(f, "{}", job.state),
        }
    }
}

/// What something has come to: what stands on record after it, beside what did before.
///
/// Each `then_…` panics, at the line of the test that calls it, unless what it says is so; otherwise it answers with the
/// outcome, for the next one. Entities, events and commands are compared by what they are on record, as JSON, so they need
/// not be `PartialEq` or `Debug`.
#[must_use = "say what it comes to, as by `then_succeeds`"]
pub struct Outcome {
    what: String,
    /// Why the door has refused it.
    refused: Option<Failure>,
    ran: Vec<Ran>,
    emitted: Vec<StoredEvent>,
    published: Vec<Job>,
    before: Entities,
    after: Entities,
    now: Timestamp,
}

#[expect(clippy::missing_panics_doc, reason = "the type says of all of them when they do")]
impl Outcome {
    /// What ran has succeeded; a request that was [on record](crate::Publish::idempotency_key) already has, then.
    #[track_caller]
    pub fn then_succeeds(&self) -> &Self {
        self.each_ran("succeed", |ran| ran.job.state == JobState::Succeeded);
        self
    }

    /// It succeeds, and its handler returns this.
    #[track_caller]
    pub fn then_returns<T: Serialize + ?Sized>(&self, output: &T) -> &Self {
        self.then_succeeds();
        let expected = serde_json::to_value(output)
            .unwrap_or_else(|error| panic!("the output that is expected cannot be written as JSON: {error}"));
        for Ran { job, .. } in &self.ran {
            let found = job.output.as_ref().map_or(Value::Null, |output| output.value().unwrap_or_default());
            assert!(
                found == expected,
                "`{}` returned something else\n{}",
                job.name,
                difference(&pretty(&expected), &pretty(&found))
            );
        }
        self
    }

    /// It fails like this, at the door or in an attempt, whether or not another attempt is to follow.
    #[track_caller]
    pub fn then_fails(&self, kind: FailureKind, code: &str) -> &Self {
        let is_it = |failure: &Failure| failure.kind() == kind && failure.code() == code;
        match &self.refused {
            Some(failure) => {
                assert!(
                    is_it(failure),
                    "{} was to fail as {kind} ({code}); the door refused it: {failure:?}",
                    self.what
                );
            }
            None => {
                self.each_ran(&format!("fail as {kind} ({code})"), |ran| ran.failure().is_some_and(is_it));
            }
        }
        self
    }

    /// The process dies in it: the attempt is left running on record.
    #[track_caller]
    pub fn then_crashes(&self) -> &Self {
        let last = self.ran.last();
        assert!(
            last.is_some_and(|ran| ran.job.state == JobState::Running),
            "{} was to die of a crash and be left running; {}",
            self.what,
            self.told()
        );
        self
    }

    /// It has failed, and another attempt follows after this pause (r22).
    #[track_caller]
    pub fn then_retries_in(&self, pause: Duration) -> &Self {
        let due_at = after(self.now, pause);
        self.each_ran(&format!("be tried again in {pause:?}, at {due_at}"), |ran| {
            ran.job.state == JobState::Waiting && ran.failure().is_some() && ran.job.due_at == Some(due_at)
        });
        self
    }

    /// It has failed, and another attempt follows, whenever that is: after a pause with jitter, for one (r22).
    #[track_caller]
    pub fn then_retries(&self) -> &Self {
        self.each_ran("be tried again", |ran| ran.job.state == JobState::Waiting && ran.failure().is_some());
        self
    }

    /// It has failed, and no other attempt follows (r22).
    #[track_caller]
    pub fn then_gives_up(&self) -> &Self {
        self.each_ran("fail for good", |ran| ran.job.state == JobState::Failed);
        self
    }

    /// Exactly these events are committed by it, in this order.
    #[track_caller]
    pub fn then_emits(&self, events: impl EventList) -> &Self {
        self.then_messages("emitted", &events.into_messages(), &self.emitted());
        self
    }

    /// No event is committed by it.
    #[track_caller]
    pub fn then_emits_nothing(&self) -> &Self {
        self.then_messages("emitted", &[], &self.emitted());
        self
    }

    /// Exactly these commands are published by it, in this order.
    #[track_caller]
    pub fn then_publishes(&self, commands: impl CommandList) -> &Self {
        self.then_messages("published", &commands.into_messages(), &self.published());
        self
    }

    /// No command is published by it.
    #[track_caller]
    pub fn then_publishes_nothing(&self) -> &Self {
        self.then_messages("published", &[], &self.published());
        self
    }

    /// This is how the entity stands on record afterwards, whether or not it was changed.
    #[track_caller]
    pub fn then_entity<E: Entity>(&self, entity: &E) -> &Self {
        let expected = serde_json::to_value(entity)
            .unwrap_or_else(|error| panic!("the entity that is expected cannot be written as JSON: {error}"));
        let key = key_of::<E>(entity.id());
        let Some(stored) = self.after.get(&(E::NAME, key.clone())) else {
            panic!("after {} there is no {} {key}; {}", self.what, E::NAME, self.told());
        };
        let found = stored.body.value().unwrap_or_default();
        assert!(
            found == expected,
            "after {} the {} {key} is another\n{}\n{}",
            self.what,
            E::NAME,
            difference(&pretty(&expected), &pretty(&found)),
            self.told()
        );
        self
    }

    /// There is no such entity afterwards.
    #[track_caller]
    pub fn then_no_entity<E: Entity>(&self, id: &E::Id) -> &Self {
        let key = key_of::<E>(id);
        if let Some(stored) = self.after.get(&(E::NAME, key.clone())) {
            let found = pretty(&stored.body.value().unwrap_or_default());
            panic!("after {} there is a {} {key}:\n{found}\n{}", self.what, E::NAME, self.told());
        }
        self
    }

    /// It has emitted and published nothing, and every entity is as it was before.
    #[track_caller]
    pub fn then_changes_nothing(&self) -> &Self {
        self.then_emits_nothing().then_publishes_nothing();
        assert!(
            self.before == self.after,
            "{} was to change no entity\n{}\n{}",
            self.what,
            difference(&entities(&self.before), &entities(&self.after)),
            self.told()
        );
        self
    }

    /// For this strategy its policy has chosen this variant, whenever it was drawn, and it was (r40).
    #[track_caller]
    pub fn then_chooses<S: Strategy + ?Sized>(&self, variant: &str) -> &Self {
        let attempts = self.ran.iter().filter_map(|ran| ran.attempt.as_ref());
        let choices = attempts.flat_map(|attempt| &attempt.strategies);
        let chosen: Vec<_> =
            choices.filter(|choice| choice.strategy == S::NAME).map(|choice| &*choice.variant).collect();
        assert!(
            !chosen.is_empty() && chosen.iter().all(|chosen| *chosen == variant),
            "{} was to choose `{variant}` for `{}`, and has chosen {chosen:?}; {}",
            self.what,
            S::NAME,
            self.told()
        );
        self
    }

    /// Attempts of exactly these were made, in this order, by the names of commands and event handlers.
    #[track_caller]
    pub fn then_ran<const N: usize>(&self, names: [&str; N]) -> &Self {
        let ran: Vec<_> = self.ran.iter().map(|ran| &*ran.job.name).collect();
        assert!(
            ran == names,
            "other attempts were made\n{}\n{}",
            difference(&lines(&names), &lines(&ran)),
            self.told()
        );
        self
    }

    /// The part of it that the attempts of one command or event handler have had.
    ///
    /// # Panics
    /// If there was none.
    #[track_caller]
    pub fn of(mut self, name: &str) -> Self {
        assert!(
            self.ran.iter().any(|ran| &*ran.job.name == name),
            "no attempt of `{name}` was made; {}",
            self.told()
        );
        self.ran.retain(|ran| &*ran.job.name == name);
        let is_cause = |job: JobId| self.ran.iter().any(|ran| ran.job.id == job);
        self.emitted.retain(|event| event.cause.is_some_and(is_cause));
        self.published.retain(|job| matches!(job.cause, Some(crate::Cause::Job(cause)) if is_cause(cause)));
        self.what = format!("`{name}`");
        self
    }

    /// The attempts that were made, in order.
    pub fn ran(&self) -> &[Ran] {
        &self.ran
    }

    /// The job of what ran, if it was one attempt.
    ///
    /// # Panics
    /// If none ran, or several.
    #[track_caller]
    pub fn job(&self) -> &Job {
        match &*self.ran {
            [ran] => &ran.job,
            _ => panic!("{} is not one attempt; {}", self.what, self.told()),
        }
    }

    /// Why it failed: at the door, or in the last attempt of it.
    pub fn failure(&self) -> Option<&Failure> {
        self.refused.as_ref().or_else(|| self.ran.last().and_then(Ran::failure))
    }

    /// Every attempt is one of which this is so, and there was one.
    #[track_caller]
    fn each_ran(&self, was_to: &str, is_so: impl Fn(&Ran) -> bool) {
        assert!(
            self.refused.is_none() && !self.ran.is_empty() && self.ran.iter().all(is_so),
            "{} was to {was_to}; {}",
            self.what,
            self.told()
        );
    }

    #[track_caller]
    fn then_messages(&self, done: &str, expected: &[Message], found: &[Message]) {
        assert!(
            expected == found,
            "{} has {done} something else\n{}\n{}",
            self.what,
            difference(&listing(expected), &listing(found)),
            self.told()
        );
    }

    fn emitted(&self) -> Vec<Message> {
        let message = |event: &StoredEvent| Message {
            name: event.name.to_string(),
            payload: event.payload.value().unwrap_or_default(),
        };
        self.emitted.iter().map(message).collect()
    }

    fn published(&self) -> Vec<Message> {
        let message = |job: &Job| Message {
            name: job.name.to_string(),
            payload: job.payload.value().unwrap_or_default(),
        };
        self.published.iter().map(message).collect()
    }

    /// What there is to know of it.
    fn told(&self) -> String {
        if let Some(failure) = &self.refused {
            return format!("the door refused it: {failure:?}");
        }
        match &*self.ran {
            [] => "nothing ran".to_owned(),
            [ran] => ran.to_string(),
            ran => ran.iter().fold("this ran:".to_owned(), |told, ran| format!("{told}\n  {ran}")),
        }
    }
}

#[track_caller]
fn key_of<E: Entity>(id: &E::Id) -> Key {
    Key::of(id).unwrap_or_else(|| panic!("the id of a `{}` is not null", E::NAME))
}

fn entities(entities: &Entities) -> String {
    let entity = |((name, key), stored): (&(&str, Key), &crate::store::StoredEntity)| {
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
        write!(f, "Outcome({}; {})", self.what, self.told())
    }
}
