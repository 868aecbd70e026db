//! The stores of this workspace pass the conformance suite.

use enact::MemoryStore;
use enact_sqlite::SqliteStore;
use enact_tests::conformance::Subject;

fn memory() -> Subject {
    let store = MemoryStore::new();
    Subject::new(move || store.clone())
}

fn sqlite() -> Subject {
    let directory = tempfile::tempdir().expect("a directory for the database");
    Subject::new(move || SqliteStore::open(directory.path().join("store.db")).expect("the database opens"))
}

enact_tests::conformance!(memory_store, memory);
enact_tests::conformance!(sqlite_store, sqlite);
