//! The store passes the conformance suite.

mod common;

use enact_store_suite::TestStore;

use common::TestSchema;

fn open() -> Option<TestStore> {
    let schema = TestSchema::new()?;
    Some(TestStore::new(move || schema.open()))
}

enact_store_suite::conformance!(postgres_store, open);
