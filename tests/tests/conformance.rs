//! The stores of this workspace pass the conformance suite.

use enact::MemoryStore;
use enact_sqlite::{SqliteStore, Synchronous};
use enact_tests::conformance::Subject;

fn memory() -> Subject {
    let store = MemoryStore::new();
    Subject::new(move || store.clone())
}

fn sqlite() -> Subject {
    sqlite_that_is(Synchronous::Full)
}

/// No commit waits for the disk, so that many can be made.
fn hasty_sqlite() -> Subject {
    sqlite_that_is(Synchronous::Normal)
}

fn sqlite_that_is(synchronous: Synchronous) -> Subject {
    let directory = tempfile::tempdir().expect("a directory for the database");
    let database = SqliteStore::builder(directory.path().join("store.db")).synchronous(synchronous);
    Subject::new(move || {
        let _exists = &directory;
        database.clone().open().expect("the database opens")
    })
}

enact_tests::conformance!(memory_store, memory);
enact_tests::conformance!(sqlite_store, sqlite, many: hasty_sqlite);
