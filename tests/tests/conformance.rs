//! The stores of this workspace pass the conformance suite.

use enact::MemoryStore;
use enact_sqlite::{SqliteStore, Synchronous};
use enact_store_suite::TestStore;

fn memory() -> TestStore {
    let store = MemoryStore::new();
    TestStore::new(move || store.clone())
}

fn sqlite() -> TestStore {
    sqlite_with(Synchronous::Full)
}

/// Commits do not wait for the disk, so that tests can make many of them.
fn fast_sqlite() -> TestStore {
    sqlite_with(Synchronous::Normal)
}

fn sqlite_with(synchronous: Synchronous) -> TestStore {
    let directory = tempfile::tempdir().expect("a directory for the database");
    let database = SqliteStore::builder(directory.path().join("store.db")).synchronous(synchronous);
    TestStore::new(move || {
        let _keep = &directory;
        database.clone().open().expect("the database opens")
    })
}

enact_store_suite::conformance!(memory_store, memory);
enact_store_suite::conformance!(sqlite_store, sqlite, fast: fast_sqlite);
