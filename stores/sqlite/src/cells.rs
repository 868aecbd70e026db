//! Typed access to the cells of a row. A cell that cannot be read yields a placeholder and is noted.

use std::borrow::Cow;

use enact::{Json, Unreadable};
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::raw_text::RawText;

/// The cells of a row, read from left to right. Each read names its column.
pub(crate) struct Cells<'r> {
    row: &'r Row<'r>,
    next: usize,
    unreadable: Vec<Unreadable>,
}

impl<'r> Cells<'r> {
    pub(crate) fn of(row: &'r Row<'r>) -> Self {
        Self::from_column(row, 0)
    }

    pub(crate) fn from_column(row: &'r Row<'r>, next: usize) -> Self {
        Self { row, next, unreadable: Vec::new() }
    }

    /// What could not be read so far.
    pub(crate) fn unreadable(self) -> Vec<Unreadable> {
        self.unreadable
    }

    pub(crate) fn has_unreadable(&self) -> bool {
        !self.unreadable.is_empty()
    }

    /// Notes that a cell cannot be read.
    pub(crate) fn note(&mut self, column: &'static str, reason: impl Into<String>) {
        self.unreadable.push(Unreadable::new(column, reason));
    }

    fn cell(&mut self, column: &'static str) -> ValueRef<'r> {
        let cell = self.row.get_ref(self.next);
        self.next += 1;
        cell.unwrap_or_else(|error| {
            self.note(column, error.to_string());
            ValueRef::Null
        })
    }

    /// A text that is not UTF-8 has placeholders for its invalid bytes.
    pub(crate) fn optional_text(&mut self, column: &'static str) -> Option<Cow<'r, str>> {
        match self.cell(column) {
            ValueRef::Null => None,
            ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes)).inspect(|text| {
                if matches!(text, Cow::Owned(_)) {
                    self.note(column, "is not UTF-8");
                }
            }),
            other => {
                self.note_type(column, "TEXT", other);
                None
            }
        }
    }

    /// The text as it is stored, whether or not it is UTF-8.
    pub(crate) fn optional_bytes(&mut self, column: &'static str) -> Option<&'r [u8]> {
        match self.cell(column) {
            ValueRef::Null => None,
            ValueRef::Text(bytes) => Some(bytes),
            other => {
                self.note_type(column, "TEXT", other);
                None
            }
        }
    }

    /// The text as it is stored. One that is not UTF-8 is not noted: the caller can go on with it.
    pub(crate) fn optional_raw_text(&mut self, column: &'static str) -> Option<RawText> {
        self.optional_bytes(column).map(RawText::of)
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Option<T> {
        let number = self.optional_integer(column)?;
        let converted = T::try_from(number).ok();
        if converted.is_none() {
            self.note(column, format!("is out of range: {number}"));
        }
        converted
    }

    fn optional_integer(&mut self, column: &'static str) -> Option<i64> {
        match self.cell(column) {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(number),
            other => {
                self.note_type(column, "INTEGER", other);
                None
            }
        }
    }

    pub(crate) fn optional_time(&mut self, column: &'static str) -> Option<Timestamp> {
        let micros = self.optional_integer(column)?;
        let time = time(micros);
        if time.is_none() {
            self.note(column, format!("is not a valid time: {micros}"));
        }
        time
    }

    /// A time beyond what a [`Timestamp`] can hold is the earliest or the latest one.
    pub(crate) fn optional_clamped_time(&mut self, column: &'static str) -> Option<Timestamp> {
        let micros = self.optional_integer(column)?;
        let limit = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Some(time(micros).unwrap_or(limit))
    }

    /// A text that `parse` refuses is noted.
    pub(crate) fn optional_parsed<T>(
        &mut self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.optional_text(column)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.note(column, "holds a text of an unknown form");
        }
        parsed
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(&mut self, column: &'static str) -> Option<T> {
        let text = self.optional_text(column)?;
        self.parse_json(column, &text)
    }

    /// A document that cannot be read is a text that is not JSON.
    pub(crate) fn optional_document(&mut self, column: &'static str) -> Option<Json> {
        let noted = self.unreadable.len();
        let text = self.optional_text(column)?;
        self.parse_json::<IgnoredAny>(column, &text);
        if self.unreadable.len() > noted {
            Some(unreadable_document(column))
        } else {
            Some(Json::from_text(text))
        }
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Cow<'r, str> {
        let text = self.optional_text(column);
        self.required(column, text)
    }

    pub(crate) fn number<T: TryFrom<i64> + Default>(&mut self, column: &'static str) -> T {
        let number = self.optional_number(column);
        self.required(column, number)
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Timestamp {
        let time = self.optional_time(column);
        self.required(column, time)
    }

    pub(crate) fn document(&mut self, column: &'static str) -> Json {
        let document = self.optional_document(column);
        document.unwrap_or_else(|| {
            self.note(column, "is NULL");
            unreadable_document(column)
        })
    }

    /// The placeholder of a value that is missing. A value that could not be read is noted already.
    fn required<T: Default>(&mut self, column: &'static str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            if self.unreadable.last().is_none_or(|last| last.column != column) {
                self.note(column, "is NULL");
            }
            T::default()
        })
    }

    fn parse_json<T: DeserializeOwned>(&mut self, column: &'static str, text: &str) -> Option<T> {
        match serde_json::from_str(text) {
            Ok(value) => Some(value),
            Err(error) => {
                // serde's own message may quote the document.
                let what =
                    if error.is_data() { "does not have the expected form" } else { "is not valid JSON" };
                self.note(column, format!("{what}, at line {} column {}", error.line(), error.column()));
                None
            }
        }
    }

    fn note_type(&mut self, column: &'static str, expected: &str, found: ValueRef<'_>) {
        self.note(column, format!("is {}, not {expected}", found.data_type()));
    }
}

/// Not JSON, so that nobody mistakes it for what was stored.
fn unreadable_document(column: &str) -> Json {
    Json::from_text(format!("(the column `{column}` cannot be read)"))
}

/// `Timestamp::from_microsecond` refuses the last representable second.
fn time(micros: i64) -> Option<Timestamp> {
    const MICROS: i64 = 1_000_000;
    let nanos = i32::try_from(micros.rem_euclid(MICROS) * 1000).unwrap_or(0);
    Timestamp::new(micros.div_euclid(MICROS), nanos).ok()
}
