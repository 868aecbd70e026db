//! An attempt that runs while the test does something else.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::executed_attempt::ExecutedAttempt;
use super::outcome::Outcome;
use super::snapshot::Snapshot;
use crate::engine::Faults;
use crate::model::{Failure, JobId};

/// How long an attempt may take in real time, where the test waits for it and nothing should take time.
const PATIENCE: Duration = Duration::from_secs(10);

/// An attempt that [`TestRuntime::begin`](super::TestRuntime::begin) has started.
#[must_use = "wait until it has `ended`"]
pub struct RunningAttempt {
    before: Snapshot,
    started: Result<StartedJob, Failure>,
}

pub(super) struct StartedJob {
    pub(super) id: JobId,
    /// The attempt's number; `None` if none runs here: the job existed already, or another program handles the command.
    pub(super) attempt: Option<u32>,
    /// The attempt's task, until it has ended.
    pub(super) task: Option<JoinHandle<()>>,
}

impl RunningAttempt {
    pub(super) fn new(before: Snapshot, started: Result<StartedJob, Failure>) -> Self {
        Self { before, started }
    }

    /// Returns once the handler has started, or the attempt has ended.
    pub(super) async fn handling(&mut self, faults: &Faults) {
        let Ok(StartedJob { id, attempt: Some(attempt), task: running }) = &mut self.started else { return };
        let Some(task) = running else { return };
        tokio::select! {
            () = faults.handling(*id, *attempt) => {}
            // The outcome shows a panic, as the store has it.
            _ = task => *running = None,
            () = tokio::time::sleep(PATIENCE) => panic!(
                "{}: the handler of {} has not started after {PATIENCE:?} of real time: it waits for its entity, which another \
                 running attempt holds; end that attempt first",
                self.before.place,
                self.before.what(),
            ),
        }
    }

    /// The id of the job, to read or cancel it.
    ///
    /// # Panics
    /// If the command was refused, so that there is no job ([r11](crate::rules#r11)).
    #[track_caller]
    pub fn job_id(&self) -> JobId {
        match &self.started {
            Ok(started) => started.id,
            Err(failure) => panic!("{} has no job, as it was refused: {failure:?}", self.before.what()),
        }
    }

    /// Whether the attempt has ended and its end is stored.
    pub fn has_ended(&self) -> bool {
        !matches!(&self.started, Ok(StartedJob { task: Some(task), .. }) if !task.is_finished())
    }

    /// Waits until the attempt has ended.
    ///
    /// # Panics
    /// If it has not ended after ten seconds of real time, because it waits for the test's clock or for something that the
    /// test must do.
    #[track_caller]
    pub fn ended(mut self) -> impl Future<Output = Outcome> {
        self.before.place = Location::caller();
        self.into_outcome()
    }

    /// [`ended`](Self::ended), reporting at the place that started the attempt.
    pub(super) async fn into_outcome(self) -> Outcome {
        let Self { before, started } = self;
        match started {
            Err(failure) => before.into_refused(failure).await,
            Ok(StartedJob { id, attempt, task }) => {
                if let Some(task) = task {
                    wait_for(task, before.what(), before.place).await;
                }
                let executed = ExecutedAttempt::read(before.runtime(), id, attempt, before.place).await;
                before.into_outcome(vec![executed]).await
            }
        }
    }
}

/// Waits for the end of an attempt. The outcome shows a panic, as the store has it.
pub(super) async fn wait_for(attempt: JoinHandle<()>, what: &str, place: &Location<'_>) {
    assert!(
        tokio::time::timeout(PATIENCE, attempt).await.is_ok(),
        "{place}: {what} still runs after {PATIENCE:?} of real time: it waits for the test's clock, or for something that the \
         test must do; start it with `begin`, do that, then await `ended`"
    );
}

impl fmt::Debug for RunningAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunningAttempt({})", self.before.what())
    }
}
