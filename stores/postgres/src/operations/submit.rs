//! Submitting events and jobs.

use std::sync::Arc;

use enact::store::{Limits, NewEvent, Start, Submitted};

use crate::encode::EncodedJob;
use crate::error::Error;
use crate::operation::{Operation, Progress};
use crate::world::{Needs, World};

/// [`Store::submit`](enact::store::Store::submit).
pub(crate) struct SubmitJobs {
    events: Vec<NewEvent>,
    jobs: Vec<Arc<EncodedJob>>,
    submitted: Vec<Submitted>,
}

impl SubmitJobs {
    pub(crate) fn new(events: Vec<NewEvent>, jobs: Vec<Arc<EncodedJob>>) -> Self {
        Self { events, jobs, submitted: Vec::new() }
    }
}

impl Operation for SubmitJobs {
    type Output = Vec<Submitted>;

    fn needs(&self, needs: &mut Needs) {
        needs.admission(self.jobs.iter().map(|encoded| &encoded.job), Limits::Apply);
    }

    fn bytes(&self) -> usize {
        let events: usize = self.events.iter().map(|event| event.payload.as_str().len()).sum();
        events + self.jobs.iter().map(|job| job.bytes()).sum::<usize>()
    }

    fn run(&mut self, world: &mut World) -> Result<Progress, Error> {
        let admission = world.admit(&self.jobs, Limits::Apply);
        if self.events.is_empty() || !admission.refuses_events() {
            world.insert_new(&self.jobs, &admission.new)?;
            world.append_events(&self.events);
        }
        self.submitted = admission.submitted;
        Ok(Progress::Done)
    }

    /// If all jobs start at once and may be repeated, or are held: the start of their attempts is what must be durable.
    fn may_be_durable_later(&self) -> bool {
        let start_at_once = self.jobs.iter().all(|encoded| match encoded.job.start {
            Some(Start::Running(_)) => encoded.job.repeatable,
            Some(Start::Held(_)) => true,
            None => false,
        });
        self.events.is_empty()
            && start_at_once
            && self.submitted.iter().all(|outcome| *outcome == Submitted::New)
    }

    fn output(self) -> Vec<Submitted> {
        self.submitted
    }
}
