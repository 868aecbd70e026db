//! The store passes the conformance suite.

mod common;

use enact_store_suite::TestStore;

use common::TestSchema;

fn open() -> Option<TestStore> {
    let schema = TestSchema::new()?;
    Some(TestStore::new(move || schema.open()))
}

enact_store_suite::conformance!(postgres_store, open, sequences: 200);

#[test]
#[ignore = "takes a quarter of an hour"]
fn ten_thousand_random_sequences_return_what_the_model_returns() {
    enact_store_suite::model::random_calls_return_what_the_model_returns(open, 10_000);
}
