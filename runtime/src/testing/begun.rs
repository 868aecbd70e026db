use std::fmt;
use std::panic::Location;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::outcome::{Outcome, Ran, Witness};
use crate::engine::Faults;
use crate::model::{Failure, JobId};

/// How long an attempt may take in a test that waits for it, by the machine's clock: nothing there takes time.
const PATIENCE: Duration = Duration::from_secs(10);

/// An attempt that is under way: what [`TestRuntime::begin`](super::TestRuntime::begin) has begun.
#[must_use = "wait until it has `ended`"]
pub struct Begun {
    witness: Witness,
    begun: Result<RunningAttempt, Failure>,
}

pub(super) struct RunningAttempt {
    pub(super) id: JobId,
    /// The attempt; `None` if there is none to run here: the request was on record already, or is another program's.
    pub(super) number: Option<u32>,
    /// Its task, as long as it has to be waited for.
    pub(super) task: Option<JoinHandle<()>>,
}

impl Begun {
    pub(super) fn new(witness: Witness, begun: Result<RunningAttempt, Failure>) -> Self {
        Self { witness, begun }
    }

    /// Returns once the handler has begun, or the attempt has ended.
    pub(super) async fn handling(&mut self, faults: &Faults) {
        let Ok(RunningAttempt { id, number: Some(number), task: waiting }) = &mut self.begun else { return };
        let Some(task) = waiting else { return };
        tokio::select! {
            () = faults.handling(*id, *number) => {}
            // One that has panicked has left on record what the outcome shows.
            _ = task => *waiting = None,
            () = tokio::time::sleep(PATIENCE) => panic!(
                "{}: {} has not come to its handler after {PATIENCE:?} by the machine's clock: it waits for the entity,                  which an attempt that is under way holds; see to that one's end first",
                self.witness.place,
                self.witness.what(),
            ),
        }
    }

    /// The job, to call it off or to look at it.
    ///
    /// # Panics
    /// If the command was refused at the door, and became none (r11).
    #[track_caller]
    pub fn job_id(&self) -> JobId {
        match &self.begun {
            Ok(under_way) => under_way.id,
            Err(failure) => panic!("{} was refused, and became no job: {failure:?}", self.witness.what()),
        }
    }

    /// Whether the attempt has ended: what it has come to is on record.
    pub fn has_ended(&self) -> bool {
        !matches!(&self.begun, Ok(RunningAttempt { task: Some(task), .. }) if !task.is_finished())
    }

    /// Waits until the attempt has ended.
    ///
    /// # Panics
    /// If it has not after some seconds: nobody moves the clock, or opens what it waits for.
    #[track_caller]
    pub fn ended(mut self) -> impl Future<Output = Outcome> {
        self.witness.place = Location::caller();
        self.ended_at()
    }

    /// Waits until the attempt has ended, on behalf of the place that began it.
    pub(super) async fn ended_at(self) -> Outcome {
        let Self { witness, begun } = self;
        match begun {
            Err(failure) => witness.refused(failure).await,
            Ok(RunningAttempt { id, number, task }) => {
                if let Some(task) = task {
                    wait_for(task, witness.what(), witness.place).await;
                }
                let ran = Ran::of(witness.runtime(), id, number, witness.place).await;
                witness.ran(vec![ran]).await
            }
        }
    }
}

/// Waits for the end of an attempt. One that has panicked has left on record what the outcome shows.
pub(super) async fn wait_for(attempt: JoinHandle<()>, what: &str, place: &Location<'_>) {
    assert!(
        tokio::time::timeout(PATIENCE, attempt).await.is_ok(),
        "{place}: {what} is still under way after {PATIENCE:?} by the machine's clock: it waits for the test's clock, or for \
         something else that only the test can do; `begin` it, do that, and wait until it has `ended`"
    );
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Begun({})", self.witness.what())
    }
}
