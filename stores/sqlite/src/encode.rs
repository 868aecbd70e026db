//! Values as they are stored: times as microseconds, ids and JSON as text. [`rows`](crate::rows) decodes them.

use std::time::Duration;

use enact::store::{NewJob, StoreError};
use enact::{EventId, JobId};
use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

/// An id as text, without an allocation.
pub(crate) struct IdText([u8; 36]);

impl From<JobId> for IdText {
    fn from(id: JobId) -> Self {
        let mut text = [0; 36];
        Uuid::from_bytes_ref(id.as_bytes()).hyphenated().encode_lower(&mut text);
        Self(text)
    }
}

impl From<EventId> for IdText {
    fn from(id: EventId) -> Self {
        let mut text = [0; 36];
        Uuid::from_bytes_ref(id.as_bytes()).hyphenated().encode_lower(&mut text);
        Self(text)
    }
}

impl ToSql for IdText {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

pub(crate) fn time(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// In microseconds.
pub(crate) fn duration(duration: Duration) -> i64 {
    integer(duration.as_micros())
}

/// A version, a sequence number or a number of rows. SQLite's integers end at 2⁶³ - 1, which none of these reaches.
pub(crate) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// `what` names the value in the error.
pub(crate) fn json<T: serde::Serialize + ?Sized>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::new(format!("{what} cannot be serialized as JSON")).caused_by(error))
}

/// A JSON array of ids; `None` if there are none.
fn ids(ids: &[JobId]) -> Option<String> {
    let texts: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    (!texts.is_empty()).then(|| format!("[{}]", texts.join(",")))
}

/// A new job with its context and predecessors encoded, which the caller does so that the writer thread need not.
#[derive(Debug)]
pub(crate) struct EncodedJob {
    pub(crate) job: NewJob,
    /// `None` if it is empty.
    pub(crate) context: Option<String>,
    /// The ids of [`NewJob::after`]; `None` if there are none.
    pub(crate) after: Option<String>,
}

impl EncodedJob {
    pub(crate) fn all(jobs: Vec<NewJob>) -> Result<Vec<Self>, StoreError> {
        jobs.into_iter().map(Self::of).collect()
    }

    /// The same job with other predecessors.
    pub(crate) fn with_predecessors(&self, predecessors: &[JobId]) -> Self {
        let mut job = self.job.clone();
        job.after = predecessors.to_vec();
        Self { context: self.context.clone(), after: ids(predecessors), job }
    }

    /// The number of bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        let Self { job, context, after } = self;
        let keys = [&job.target, &job.order_key, &job.idempotency_key].into_iter().flatten();
        let keys: usize = keys.map(|key| key.as_str().len()).sum();
        let encoded: usize = [context, after].into_iter().flatten().map(String::len).sum();
        job.payload.as_str().len() + job.correlation.as_str().len() + keys + encoded
    }

    fn of(job: NewJob) -> Result<Self, StoreError> {
        let context = json("the context of a job", &*job.context)?;
        let after = ids(&job.after);
        Ok(Self { job, context: (context != "{}").then_some(context), after })
    }
}
