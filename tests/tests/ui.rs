//! What the compiler says to the mistakes of `tests/ui`: each case is one rule, and its `.stderr` is what a user reads.
//!
//! The texts are those of the compiler release that `rust-version` names; another words and points differently. Where a
//! message of enact has changed, or the compiler, bless them with `TRYBUILD=overwrite cargo test -p enact-tests --test ui`,
//! and read each aloud before it is committed.
#![forbid(unsafe_code)]

#[test]
fn every_mistake_says_what_to_write() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui-pass/*.rs");
    cases.compile_fail("ui/*/*.rs");
}
