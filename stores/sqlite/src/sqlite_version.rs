//! The SQLite that is linked. With the feature `bundled` it is that of the rusqlite version in use, otherwise the system's.

use std::path::Path;

use enact::store::StoreError;

/// The oldest SQLite with which the tests pass. 3.37 lacks SQL that the store uses, and 3.39 reads all jobs for each page of them.
const OLDEST: (i32, i32, i32) = (3, 40, 0);

/// Fails if the SQLite with this number, such as 3040001 for 3.40.1, is too old.
pub(crate) fn check(number: i32, path: &Path) -> Result<(), StoreError> {
    let version = (number / 1_000_000, number / 1000 % 1000, number % 1000);
    if version >= OLDEST {
        return Ok(());
    }
    let text = |(major, minor, patch)| format!("{major}.{minor}.{patch}");
    Err(StoreError::new(format!(
        "`{}` was not opened: this program is linked with SQLite {}, and enact-sqlite needs {} or newer; upgrade the system's \
         SQLite, or turn on the feature `bundled` of enact-sqlite",
        path.display(),
        text(version),
        text(OLDEST)
    )))
}
