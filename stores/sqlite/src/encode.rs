//! How values are written: times as microseconds, ids and JSON as text. [`rows`](crate::rows) is the way back.

use std::time::Duration;

use enact::store::{NewJob, StoreError};
use enact::{EventId, JobId};
use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use uuid::Uuid;

/// An id as text.
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

/// A time.
pub(crate) fn time(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// How long a lease is, in microseconds.
pub(crate) fn length(length: Duration) -> i64 {
    integer(length.as_micros())
}

/// The order in which jobs of a priority begin, those of the highest first.
pub(crate) fn rank(priority: i32) -> i64 {
    -i64::from(priority)
}

/// A version, a place or a number of rows. SQLite's integers end at 2⁶³ - 1; none of these gets there.
pub(crate) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// JSON text of a value that always has one.
pub(crate) fn json<T: serde::Serialize + ?Sized>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::new(format!("{what} cannot be written as JSON")).caused_by(error))
}

/// A JSON array of ids; `None` if there are none.
fn ids(ids: &[JobId]) -> Option<String> {
    let texts: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    (!texts.is_empty()).then(|| format!("[{}]", texts.join(",")))
}

/// A new job with everything encoded that takes time to encode: by the caller, not by the writer.
#[derive(Debug)]
pub(crate) struct EncodedJob {
    pub(crate) job: NewJob,
    /// `None` if nothing is known.
    pub(crate) context: Option<String>,
    /// The ids of [`NewJob::after`]; `None` if there are none.
    pub(crate) after: Option<String>,
}

impl EncodedJob {
    pub(crate) fn all(jobs: Vec<NewJob>) -> Result<Vec<Self>, StoreError> {
        jobs.into_iter().map(Self::of).collect()
    }

    /// The same job, if it comes after these.
    pub(crate) fn coming_after(&self, after: Vec<JobId>) -> Self {
        Self { context: self.context.clone(), after: ids(&after), job: NewJob { after, ..self.job.clone() } }
    }

    /// The bytes of its texts.
    pub(crate) fn texts(&self) -> usize {
        let Self { job, context, after } = self;
        let keys = [&job.target, &job.order_key, &job.idempotency_key].into_iter().flatten();
        let keys: usize = keys.map(|key| key.as_str().len()).sum();
        let encoded: usize = [context, after].into_iter().flatten().map(String::len).sum();
        job.payload.as_str().len() + job.correlation.as_str().len() + keys + encoded
    }

    fn of(job: NewJob) -> Result<Self, StoreError> {
        let context = json("the job's context", &*job.context)?;
        let after = ids(&job.after);
        Ok(Self { job, context: (context != "{}").then_some(context), after })
    }
}
