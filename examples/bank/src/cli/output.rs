//! Output: tables and text for people, JSON for programs.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use enact::Failure;
use serde::Serialize;

/// A line below the header, and no borders.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

pub(crate) fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

pub(crate) fn write_json(out: &mut impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(io::Error::from)?;
    Ok(writeln!(out)?)
}

/// A JSON array that is written element by element, so that it is never held in memory as a whole.
pub(crate) struct JsonArray<'a, W> {
    out: &'a mut W,
    is_empty: bool,
}

impl<'a, W: Write> JsonArray<'a, W> {
    pub(crate) fn begin(out: &'a mut W) -> io::Result<Self> {
        out.write_all(b"[")?;
        Ok(Self { out, is_empty: true })
    }

    pub(crate) fn push(&mut self, element: &impl Serialize) -> io::Result<()> {
        self.out.write_all(if self.is_empty { b"\n" } else { b",\n" })?;
        self.is_empty = false;
        Ok(serde_json::to_writer(&mut *self.out, element)?)
    }

    pub(crate) fn end(self) -> io::Result<()> {
        self.out.write_all(b"\n]\n")
    }
}

/// Formats a failure with its kind and code.
pub(crate) fn describe(failure: &Failure) -> String {
    format!("{} ({}): {failure}", failure.kind(), failure.code())
}

/// Writes a failure with each violation and cause on a line of its own.
pub(crate) fn write_failure(failure: &Failure, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "failed       {} ({}): {}", failure.kind(), failure.code(), failure.message())?;
    for violation in failure.violations() {
        writeln!(out, "             {violation} ({})", violation.code())?;
    }
    for cause in failure.causes() {
        writeln!(out, "             caused by: {cause}")?;
    }
    Ok(())
}

/// Formats an error and its causes on one line.
pub(crate) fn one_line(error: &anyhow::Error) -> String {
    let mut text = match error.downcast_ref::<Failure>() {
        Some(failure) => describe(failure),
        None => format!("{error:#}"),
    };
    text.retain(|c| c != '\r');
    text.replace('\n', "; ")
}
