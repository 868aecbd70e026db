//! Texts of a damaged file that are not UTF-8, and ids that are not ids. They can still be named.

use std::borrow::Cow;
use std::fmt::Write;

use enact::{JobId, WorkerId};
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, ToSql};

/// A text as it is stored, whether or not it is UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawText(Vec<u8>);

impl RawText {
    pub(crate) fn of(stored: &[u8]) -> Self {
        Self(stored.to_owned())
    }

    /// Whether it is this text.
    pub(crate) fn is(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| text.as_bytes() == self.0)
    }

    /// Whether it is not UTF-8.
    pub(crate) fn is_damaged(&self) -> bool {
        str::from_utf8(&self.0).is_err()
    }

    /// With placeholders for invalid bytes.
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl FromSql for RawText {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(value.as_bytes().unwrap_or_default().to_owned()))
    }
}

impl ToSql for RawText {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// Begins the id of a worker whose stored id is not UTF-8. Its bytes follow as hexadecimal digits.
const RAW_WORKER: &str = "\u{fffd}";

/// The id of a worker from its stored text. [`WorkerText`] is the other direction.
pub(crate) fn worker(stored: &[u8]) -> WorkerId {
    if let Ok(text) = str::from_utf8(stored) {
        return WorkerId::from_text(text);
    }
    let mut text = RAW_WORKER.to_owned();
    for byte in stored {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    WorkerId::from_text(text)
}

/// The stored text of a worker's id, to bind.
pub(crate) struct WorkerText<'w>(Cow<'w, [u8]>);

impl<'w> WorkerText<'w> {
    pub(crate) fn of(worker: &'w WorkerId) -> Self {
        let text = worker.as_str();
        let raw = text.strip_prefix(RAW_WORKER).and_then(|hex| {
            let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).ok());
            digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<_>>>()
        });
        Self(raw.map_or(Cow::Borrowed(text.as_bytes()), Cow::Owned))
    }
}

impl ToSql for WorkerText<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// The first half of the id of a job whose stored id is not one. Ids have a version, so no other id begins so.
const NO_ID: [u8; 8] = [0xff; 8];

/// The id of a job whose stored id cannot be read: by its sequence number.
pub(crate) fn id_of_seq(seq: i64) -> JobId {
    let [high, low] = [seq.cast_unsigned() >> 48, seq.cast_unsigned() & 0xffff_ffff_ffff];
    let text = format!("ffffffff-ffff-ffff-{high:04x}-{low:012x}");
    text.parse().expect("it has the form of an id")
}

/// The sequence number in such an id.
pub(crate) fn seq_of_id(id: JobId) -> Option<i64> {
    let (first, last) = id.as_bytes().split_at(8);
    let last: [u8; 8] = last.try_into().ok()?;
    (first == NO_ID).then_some(i64::from_be_bytes(last))
}

/// The stored text of a job's id.
pub(crate) fn stored_id(connection: &Connection, id: JobId) -> rusqlite::Result<RawText> {
    if let Some(seq) = seq_of_id(id) {
        let mut select = connection.prepare_cached("SELECT id FROM job_specs WHERE seq = ?1")?;
        if let Some(stored) = select.query_row([seq], |row| row.get(0)).optional()? {
            return Ok(stored);
        }
    }
    Ok(RawText(id.to_string().into_bytes()))
}
