//! Records as JSON, encoded on the thread of the caller.

use std::sync::Arc;

use enact::store::{NewJob, StoreError};
use enact::{Attempt, JobId};

/// `what` names the value in the error.
pub(crate) fn json<T: serde::Serialize + ?Sized>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::new(format!("{what} cannot be serialized as JSON")).caused_by(error))
}

/// A new job with its context encoded.
#[derive(Debug)]
pub(crate) struct EncodedJob {
    pub(crate) job: NewJob,
    /// `None` if it is empty.
    pub(crate) context: Option<String>,
}

impl EncodedJob {
    pub(crate) fn all(jobs: Vec<NewJob>) -> Result<Vec<Arc<Self>>, StoreError> {
        jobs.into_iter().map(|job| Self::of(job).map(Arc::new)).collect()
    }

    fn of(job: NewJob) -> Result<Self, StoreError> {
        let context = json("the context of a job", &*job.context)?;
        Ok(Self { job, context: (context != "{}").then_some(context) })
    }

    /// About the number of bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.job.payload.as_str().len() + self.context.as_ref().map_or(0, String::len)
    }
}

/// The ids as an array of PostgreSQL.
pub(crate) fn id_array(ids: &[JobId]) -> String {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("{{{}}}", texts.join(","))
}

/// The parts of an attempt that are stored as JSON; `None` if they are empty.
#[derive(Debug, Default)]
pub(crate) struct EncodedAttempt {
    pub(crate) strategies: Option<String>,
    pub(crate) events: Option<String>,
    pub(crate) failure: Option<String>,
}

impl EncodedAttempt {
    pub(crate) fn of(attempt: &Attempt) -> Result<Self, StoreError> {
        let strategies = match attempt.strategies.as_slice() {
            [] => None,
            strategies => Some(json("the strategies of an attempt", strategies)?),
        };
        let events = match attempt.events.as_slice() {
            [] => None,
            events => Some(json("the events of an attempt", events)?),
        };
        let failure = attempt.failure.as_ref();
        let failure = failure.map(|failure| json("the failure of an attempt", failure)).transpose()?;
        Ok(Self { strategies, events, failure })
    }
}
