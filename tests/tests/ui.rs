//! What the compiler says to the mistakes of `tests/ui`: each case is one rule, and its `.stderr` is what a user reads. What
//! is no mistake is in `accepts.rs`: without a passing case all of these are checked together, and none is linked.
//!
//! The texts are those of the compiler release that `rust-version` names; another words and points differently. Where a
//! message of enact has changed, or the compiler, bless them with `TRYBUILD=overwrite cargo test -p enact-tests --test ui`,
//! and read each aloud before it is committed.
#![forbid(unsafe_code)]

use std::process::Command;

#[test]
fn every_mistake_says_what_to_write() {
    if is_pinned_compiler() {
        trybuild::TestCases::new().compile_fail("ui/*/*.rs");
    } else {
        println!(
            "the expected errors are those of Rust {PINNED}, so they are not compared with this compiler's"
        );
    }
}

const PINNED: &str = env!("CARGO_PKG_RUST_VERSION");

fn is_pinned_compiler() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("the compiler tells its version");
    String::from_utf8_lossy(&version.stdout).starts_with(&format!("rustc {PINNED}."))
}
