//! Typed access to the cells of a row. A cell that cannot be read yields a placeholder and is noted.

use std::borrow::Cow;

use enact::{JobId, Json, Unreadable};
use jiff::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use crate::value::{Micros, unescaped};

/// The cells of a row, read from left to right. Each read names its column.
pub(crate) struct Cells<'r> {
    row: &'r Row,
    next: usize,
    unreadable: Vec<Unreadable>,
}

impl<'r> Cells<'r> {
    pub(crate) fn of(row: &'r Row) -> Self {
        Self::from_column(row, 0)
    }

    pub(crate) fn from_column(row: &'r Row, next: usize) -> Self {
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

    fn cell<T: FromSql<'r>>(&mut self, column: &'static str) -> Option<T> {
        let cell = self.row.try_get(self.next);
        self.next += 1;
        cell.unwrap_or_else(|_| {
            self.note(column, "is of an unexpected type, or not UTF-8");
            None
        })
    }

    pub(crate) fn optional_text(&mut self, column: &'static str) -> Option<Cow<'r, str>> {
        self.cell::<&str>(column).map(unescaped)
    }

    pub(crate) fn optional_integer(&mut self, column: &'static str) -> Option<i64> {
        self.cell(column)
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Option<T> {
        let number = self.optional_integer(column)?;
        let converted = T::try_from(number).ok();
        if converted.is_none() {
            self.note(column, format!("is out of range: {number}"));
        }
        converted
    }

    pub(crate) fn optional_time(&mut self, column: &'static str) -> Option<Timestamp> {
        let time = self.cell::<Micros>(column)?.time();
        if time.is_none() {
            self.note(column, "is not a valid time");
        }
        time
    }

    /// A time beyond what a [`Timestamp`] can hold is the earliest or the latest one.
    pub(crate) fn optional_clamped_time(&mut self, column: &'static str) -> Option<Timestamp> {
        self.cell::<Micros>(column).map(Micros::clamped)
    }

    pub(crate) fn optional_id(&mut self, column: &'static str) -> Option<Uuid> {
        self.cell(column)
    }

    pub(crate) fn ids(&mut self, column: &'static str) -> Vec<JobId> {
        self.cell::<Vec<Uuid>>(column).unwrap_or_default().into_iter().map(JobId::from).collect()
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
        let text = self.optional_text(column);
        if let Some(text) = &text {
            self.parse_json::<IgnoredAny>(column, text);
        }
        if self.unreadable.len() > noted {
            Some(unreadable_document(column))
        } else {
            text.map(Json::from_text)
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

    /// An `integer`, which is shorter than a `bigint`.
    pub(crate) fn short<T: TryFrom<i32> + Default>(&mut self, column: &'static str) -> T {
        let number: Option<i32> = self.cell(column);
        let number = self.required(column, number);
        T::try_from(number).unwrap_or_else(|_| {
            self.note(column, format!("is out of range: {number}"));
            T::default()
        })
    }

    pub(crate) fn boolean(&mut self, column: &'static str) -> bool {
        let boolean = self.cell(column);
        self.required(column, boolean)
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Timestamp {
        let time = self.optional_time(column);
        self.required(column, time)
    }

    pub(crate) fn id(&mut self, column: &'static str) -> Uuid {
        let id = self.optional_id(column);
        self.required(column, id)
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
}

/// Not JSON, so that nobody mistakes it for what was stored.
fn unreadable_document(column: &str) -> Json {
    Json::from_text(format!("(the column `{column}` cannot be read)"))
}
