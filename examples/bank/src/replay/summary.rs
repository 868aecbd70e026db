use std::time::Duration;

use enact::Failure;
use serde::Serialize;

use crate::ledger::Malformed;

/// The maximum number of rejected lines that a summary lists. The others are counted only.
const MAX_REJECTED_LINES: usize = 20;

/// The outcomes of a ledger's lines. Its size does not depend on their number.
///
/// `rows` equals `new_jobs + existing_jobs + rejected`, and also `succeeded` plus the counts in `refused`.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// The number of lines after the header, except empty ones.
    pub rows: u64,
    /// Rows for which this replay created a job.
    pub new_jobs: u64,
    /// Rows whose transaction already had a job, from an earlier replay or an earlier line.
    pub existing_jobs: u64,
    /// Lines for which no job was created.
    pub rejected: u64,
    /// Rows whose job succeeded.
    pub succeeded: u64,
    /// The rows that did not succeed, grouped by cause.
    pub refused: Vec<Refusal>,
    /// The first rejected lines.
    pub rejected_lines: Vec<Rejected>,
    /// The duration of the replay.
    pub seconds: f64,
    /// New jobs per second. `None` if there are no new jobs.
    pub rows_per_second: Option<f64>,
}

/// Rows that did not succeed for the same reason.
#[derive(Debug, Serialize)]
pub struct Refusal {
    /// The kind of failure, or `malformed`.
    pub kind: &'static str,
    /// The code of the failure. For `malformed`, the column that is wrong, or `line`.
    pub code: String,
    /// Whether these rows have jobs. Rows without one were rejected.
    pub have_jobs: bool,
    /// The number of rows.
    pub count: u64,
    /// The line number of the first row.
    pub line: u64,
    /// The message of the first row's failure.
    pub message: String,
}

/// A line for which no job was created.
#[derive(Debug, Serialize)]
pub struct Rejected {
    /// The line number.
    pub line: u64,
    /// The column that is wrong, or `None` if the line as a whole is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<&'static str>,
    /// What is wrong.
    pub reason: String,
}

impl Summary {
    /// Adds a row whose job failed.
    pub(super) fn add_failed(&mut self, line: u64, failure: &Failure) {
        self.refuse(failure.kind().as_str(), failure.code(), true, line, || failure.to_string());
    }

    /// Adds a row whose command was refused when it was published.
    pub(super) fn add_rejected(&mut self, line: u64, failure: &Failure) {
        self.refuse(failure.kind().as_str(), failure.code(), false, line, || failure.to_string());
        let pointer = failure.violations().iter().find_map(|violation| violation.pointer());
        self.reject(line, pointer.and_then(column_of), || failure.to_string());
    }

    /// Adds a line that cannot be parsed.
    pub(super) fn add_malformed(&mut self, malformed: &Malformed) {
        let Malformed { line, column, reason } = malformed;
        self.refuse("malformed", column.unwrap_or("line"), false, *line, || reason.clone());
        self.reject(*line, *column, || reason.clone());
    }

    pub(super) fn set_elapsed(&mut self, elapsed: Duration) {
        self.seconds = elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2⁵² rows")]
        let new_jobs = self.new_jobs as f64;
        self.rows_per_second = (self.new_jobs > 0).then(|| new_jobs / self.seconds);
    }

    fn refuse(
        &mut self,
        kind: &'static str,
        code: &str,
        have_jobs: bool,
        line: u64,
        message: impl FnOnce() -> String,
    ) {
        let group = self
            .refused
            .iter_mut()
            .find(|group| (group.kind, &*group.code, group.have_jobs) == (kind, code, have_jobs));
        match group {
            Some(group) => group.count += 1,
            None => self.refused.push(Refusal {
                kind,
                code: code.to_owned(),
                have_jobs,
                count: 1,
                line,
                message: message(),
            }),
        }
    }

    fn reject(&mut self, line: u64, column: Option<&'static str>, reason: impl FnOnce() -> String) {
        self.rejected += 1;
        if self.rejected_lines.len() < MAX_REJECTED_LINES {
            self.rejected_lines.push(Rejected { line, column, reason: reason() });
        }
    }
}

/// Returns the column of the ledger that a field of a command is read from.
fn column_of(pointer: &str) -> Option<&'static str> {
    match pointer {
        "/transaction" => Some("transaction"),
        "/account" => Some("account"),
        "/cents" => Some("amount_cents"),
        _ => None,
    }
}
