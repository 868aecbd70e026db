//! Typed access to the cells of a row.

use std::fmt::Display;
use std::str::FromStr;

use enact::Json;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::Error;

/// Why a cell could not be read.
pub(crate) struct CellError {
    column: &'static str,
    reason: String,
}

impl CellError {
    /// The error of the row that the cell is in.
    pub(crate) fn at(self, table: &'static str, row: impl Into<String>) -> Error {
        Error::Row { table, row: row.into(), column: self.column, reason: self.reason }
    }
}

/// The cells of a row, read from left to right. Each read names its column for the error.
pub(crate) struct Cells<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Cells<'r> {
    pub(crate) fn of(row: &'r Row<'r>) -> Self {
        Self::from_column(row, 0)
    }

    pub(crate) fn from_column(row: &'r Row<'r>, next: usize) -> Self {
        Self { row, next }
    }

    fn cell(&mut self, column: &'static str) -> Result<ValueRef<'r>, CellError> {
        let cell =
            self.row.get_ref(self.next).map_err(|error| CellError { column, reason: error.to_string() })?;
        self.next += 1;
        Ok(cell)
    }

    pub(crate) fn optional_text(&mut self, column: &'static str) -> Result<Option<&'r str>, CellError> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text)),
                Err(error) => Err(CellError { column, reason: format!("is not UTF-8: {error}") }),
            },
            other => Err(wrong_type(column, "TEXT", other)),
        }
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, CellError> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => match T::try_from(number) {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(CellError { column, reason: format!("is out of range: {number}") }),
            },
            other => Err(wrong_type(column, "INTEGER", other)),
        }
    }

    pub(crate) fn optional_time(&mut self, column: &'static str) -> Result<Option<Timestamp>, CellError> {
        /// `Timestamp::from_microsecond` refuses the last representable second.
        fn time(micros: i64) -> Result<Timestamp, jiff::Error> {
            const MICROS: i64 = 1_000_000;
            let nanos = i32::try_from(micros.rem_euclid(MICROS) * 1000).unwrap_or(0);
            Timestamp::new(micros.div_euclid(MICROS), nanos)
        }
        let micros = self.optional_number(column)?;
        let time = micros.map(time).transpose();
        time.map_err(|error| CellError { column, reason: format!("is not a valid time: {error}") })
    }

    pub(crate) fn optional_parsed<T: FromStr<Err: Display>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, CellError> {
        self.optional_text(column)?
            .map(|text| {
                text.parse().map_err(|error| CellError { column, reason: format!("holds `{text}`: {error}") })
            })
            .transpose()
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, CellError> {
        self.optional_text(column)?.map(|text| parse_json(column, text)).transpose()
    }

    pub(crate) fn optional_document(&mut self, column: &'static str) -> Result<Option<Json>, CellError> {
        let text = self.optional_text(column)?;
        text.map(|text| parse_json::<IgnoredAny>(column, text).map(|_| Json::from_text(text))).transpose()
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<&'r str, CellError> {
        self.optional_text(column).and_then(|text| some(column, text))
    }

    pub(crate) fn number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Result<T, CellError> {
        self.optional_number(column).and_then(|number| some(column, number))
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Result<Timestamp, CellError> {
        self.optional_time(column).and_then(|time| some(column, time))
    }

    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, column: &'static str) -> Result<T, CellError> {
        self.optional_parsed(column).and_then(|value| some(column, value))
    }

    pub(crate) fn document(&mut self, column: &'static str) -> Result<Json, CellError> {
        self.optional_document(column).and_then(|document| some(column, document))
    }
}

fn some<T>(column: &'static str, value: Option<T>) -> Result<T, CellError> {
    value.ok_or_else(|| CellError { column, reason: "is NULL".to_owned() })
}

fn wrong_type(column: &'static str, expected: &str, found: ValueRef<'_>) -> CellError {
    CellError { column, reason: format!("is {}, not {expected}", found.data_type()) }
}

fn parse_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, CellError> {
    serde_json::from_str(text)
        .map_err(|error| CellError { column, reason: format!("is not valid JSON: {error}") })
}
