//! Runs the bank's program.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bank::ledger::COLUMNS;
use serde_json::Value;
use tempfile::TempDir;

use crate::plain_loop::Expected;

/// The output of a run of the program.
pub(crate) struct CliOutput {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns a command that starts the program.
pub(crate) fn program(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_bank"));
    program.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    program
}

/// Runs the program until it exits.
pub(crate) fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> CliOutput {
    let Output { status, stdout, stderr } = program(arguments).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
    CliOutput { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

impl CliOutput {
    /// Returns its output, which must be that of a success.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }

    /// Returns its error message, which must be one line on stderr.
    #[track_caller]
    pub(crate) fn error(self) -> String {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        self.stderr
    }
}

/// A directory for a test's files.
pub(crate) struct TestDir(TempDir);

impl TestDir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory is created"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("the file is written");
        path
    }
}

/// Concatenates words, and paths with the options before them.
pub(crate) fn arguments<'a>(words: &[&'a str], paths: &[(&'a str, &'a Path)]) -> Vec<&'a OsStr> {
    let paths = paths.iter().flat_map(|(option, path)| [OsStr::new(*option), path.as_os_str()]);
    words.iter().map(|word| OsStr::new(*word)).chain(paths).filter(|word| !word.is_empty()).collect()
}

/// Runs a command of the program on a database.
pub(crate) fn bank(db: &Path, words: &[&str]) -> CliOutput {
    run(arguments(words, &[("--db", db)]))
}

/// Replays a ledger, and returns the JSON report.
pub(crate) fn replay(db: &Path, ledger: &Path) -> Value {
    let output = run(arguments(&["replay", "--json", "--lease", "1"], &[("", ledger), ("--db", db)]));
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    output.json()
}

/// Returns all accounts and their balances.
pub(crate) fn balances(db: &Path) -> BTreeMap<String, i64> {
    let csv = bank(db, &["balances", "--csv"]).success();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("account,balance_cents"));
    let line = |line: &str| {
        let (account, cents) = line.split_once(',').expect("two columns");
        (account.to_owned(), cents.parse().expect("a number"))
    };
    lines.map(line).collect()
}

/// Asserts that the report of a replay, and the balances after it, are as expected.
#[track_caller]
pub(crate) fn assert_as_expected(report: &Value, db: &Path, expected: &Expected) {
    let count = |value: &Value| value.as_u64().expect("a number");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let refused = report["refused"].as_array().expect("a list").iter();
    let refused: BTreeMap<_, _> =
        refused.map(|group| ((text(&group["kind"]), text(&group["code"])), count(&group["count"]))).collect();
    assert_eq!(refused, expected.refused);
    assert_eq!(count(&report["rows"]), expected.rows);
    assert_eq!(count(&report["succeeded"]), expected.succeeded);
    assert_eq!(balances(db), expected.balances);
}

/// Returns a random ledger with overdrafts and missing accounts, the same for each call.
pub(crate) fn random_ledger(rows: u32) -> String {
    let mut text = COLUMNS.join(",");
    text.push('\n');
    let mut state = 1848_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for row in 0..rows {
        let account = random(200);
        let direction = if random(5) < 3 { "credit" } else { "debit" };
        let cents = random(100_000);
        writeln!(text, "t{row},a-{account},1848-03-15,{direction},,,{cents},")
            .expect("writing to a string succeeds");
    }
    text
}
