//! The check of the SQLite that is linked.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::open::open_with;
use crate::options::{DEFAULT_FILE_MODE, Options, Synchronous};
use crate::sqlite_version::check;

#[test]
fn a_sqlite_that_is_not_older_than_needed_is_accepted() {
    for number in [3_040_000, 3_040_001, 3_053_002, 4_000_000] {
        assert!(check(number, Path::new("bank.db")).is_ok(), "{number}");
    }
}

#[test]
fn no_file_is_created_with_an_old_sqlite_and_the_error_names_what_is_needed() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        path: directory.path().join("bank.db"),
        synchronous: Synchronous::Normal,
        busy_timeout: Duration::from_secs(5),
        max_size: None,
        file_mode: DEFAULT_FILE_MODE,
    };
    let error = open_with(&options, 3_039_004, |_| Ok(None)).expect_err("an old version").to_string();
    for part in ["bank.db`", "SQLite 3.39.4", "3.40.0 or newer", "`bundled`"] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
}
