use std::time::Duration;

use enact::Failure;
use serde::Serialize;

use crate::ledger::Malformed;

/// How many of the lines that have become no job are kept. The others are counted.
const KEPT_LINES: usize = 20;

/// What became of a ledger's lines. Its size does not depend on their number.
///
/// `rows` is the sum of `applied`, `on_record` and `rejected`, and that of `succeeded` and the counts in `refused`, too.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    /// How many lines the file has behind the first, empty ones aside.
    pub rows: u64,
    /// How many have become a job by this replay.
    pub applied: u64,
    /// How many had a job already: by an earlier replay, or by an earlier line with the same transaction.
    pub on_record: u64,
    /// How many have become no job.
    pub rejected: u64,
    /// How many have a job that has succeeded.
    pub succeeded: u64,
    /// What the others failed with.
    pub refused: Vec<Refusal>,
    /// The first of the lines that have become no job.
    pub rejected_lines: Vec<Rejected>,
    /// How long it took.
    pub seconds: f64,
    /// How many rows became jobs, and ended, in a second; none if none became a job.
    pub rows_per_second: Option<f64>,
}

/// Rows that failed alike.
#[derive(Debug, Serialize)]
pub struct Refusal {
    /// The kind of failure, or `malformed`.
    pub kind: &'static str,
    /// Its code; of what is malformed, the column at fault, or `line`.
    pub code: String,
    /// Whether they have jobs. Those who have none are rejected: they did not get through the door.
    pub have_jobs: bool,
    /// How many.
    pub count: u64,
    /// The line of the first one.
    pub line: u64,
    /// What was wrong with it.
    pub message: String,
}

/// A line that has become no job.
#[derive(Debug, Serialize)]
pub struct Rejected {
    /// Its place in the file.
    pub line: u64,
    /// The column at fault, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What is wrong.
    pub reason: String,
}

impl Summary {
    /// A row whose job has failed.
    pub(super) fn failed(&mut self, line: u64, failure: &Failure) {
        self.refuse(failure.kind().as_str(), failure.code(), true, line, || failure.to_string());
    }

    /// A row that the bank has refused at the door.
    pub(super) fn rejected(&mut self, line: u64, failure: &Failure) {
        self.refuse(failure.kind().as_str(), failure.code(), false, line, || failure.to_string());
        let pointer = failure.violations().iter().find_map(|violation| violation.pointer());
        self.reject(line, pointer.and_then(column), || failure.to_string());
    }

    /// A line that is no row.
    pub(super) fn malformed(&mut self, malformed: &Malformed) {
        let Malformed { line, field, reason } = malformed;
        self.refuse("malformed", field.unwrap_or("line"), false, *line, || reason.clone());
        self.reject(*line, *field, || reason.clone());
    }

    pub(super) fn took(&mut self, elapsed: Duration) {
        self.seconds = elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "nobody counts more than 2⁵² rows")]
        let applied = self.applied as f64;
        self.rows_per_second = (self.applied > 0).then(|| applied / self.seconds);
    }

    fn refuse(
        &mut self,
        kind: &'static str,
        code: &str,
        have_jobs: bool,
        line: u64,
        message: impl FnOnce() -> String,
    ) {
        let same =
            |known: &&mut Refusal| (known.kind, &*known.code, known.have_jobs) == (kind, code, have_jobs);
        match self.refused.iter_mut().find(same) {
            Some(known) => known.count += 1,
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

    fn reject(&mut self, line: u64, field: Option<&'static str>, reason: impl FnOnce() -> String) {
        self.rejected += 1;
        if self.rejected_lines.len() < KEPT_LINES {
            self.rejected_lines.push(Rejected { line, field, reason: reason() });
        }
    }
}

/// The column of the ledger that a field of a command is taken from.
fn column(pointer: &str) -> Option<&'static str> {
    match pointer {
        "/transaction" => Some("transaction"),
        "/account" => Some("account"),
        "/cents" => Some("amount_cents"),
        _ => None,
    }
}
