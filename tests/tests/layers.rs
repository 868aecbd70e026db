//! Imports point one way through the layers (DESIGN, ARCHITECTURE: "Layers"), and no more than two files form a circle.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the source has failed")]

mod imports;

use std::path::{Path, PathBuf};

use imports::SourceTree;

/// The layers of `enact`, lowest first. A file may import from its own layer and from lower ones.
const LAYERS: [&str; 10] =
    ["model", "store", "domain", "context", "handler", "register", "wiring", "engine", "runtime", "testing"];

#[test]
fn no_import_of_the_runtime_points_up() {
    let tree = SourceTree::read(&source("runtime/src")).unwrap();
    assert_eq!(tree.unlayered(&LAYERS), ["guide.rs", "lib.rs", "prelude.rs", "private.rs", "rules.rs"]);
    assert_eq!(tree.upward(&LAYERS), [""; 0]);
}

#[test]
fn no_more_than_two_files_of_the_runtime_import_each_other() {
    assert_eq!(SourceTree::read(&source("runtime/src")).unwrap().circles(), [""; 0]);
}

#[test]
fn no_more_than_two_files_of_the_postgres_store_import_each_other() {
    assert_eq!(SourceTree::read(&source("stores/postgres/src")).unwrap().circles(), [""; 0]);
}

#[test]
fn no_more_than_two_files_of_the_sqlite_store_import_each_other() {
    assert_eq!(SourceTree::read(&source("stores/sqlite/src")).unwrap().circles(), [""; 0]);
}

#[test]
fn no_more_than_two_files_of_the_macros_import_each_other() {
    assert_eq!(SourceTree::read(&source("macros/src")).unwrap().circles(), [""; 0]);
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    for import in [
        "use crate::engine::Engine;",
        "use crate::engine::core::Engine;",
        "use crate::{model::Job, Engine as E};",
        "use super::super::engine::Engine;",
        "pub use crate::engine::*;",
        "fn run(engine: &crate::Engine) {}",
        "fn run() { crate::engine::core::Engine::start() }",
        "macro_rules! run { () => { crate::engine::core::Engine::start() } }",
        "fn run() { log!(crate::Engine) }",
    ] {
        let tree = tree(&[("model/job.rs", &format!("pub struct Job;\n{import}"))]);
        let upward = tree.upward(&["model", "engine"]);
        assert_eq!(upward.len(), 1, "{import}: {upward:?}");
        assert!(upward[0].starts_with("model/job.rs -> engine/"), "{import}: {upward:?}");
    }
}

#[test]
fn an_import_that_points_down_or_out_is_none() {
    let tree = tree(&[(
        "engine/core.rs",
        "use std::sync::Arc; use crate::Job; use super::super::model::Job as J; use serde::de; pub struct Engine;",
    )]);
    assert_eq!(tree.upward(&["model", "engine"]), [""; 0]);
}

#[test]
fn a_circle_of_three_files_is_found_through_re_exports() {
    let tree = tree(&[
        (
            "engine/mod.rs",
            "mod core; mod attempt; mod lease; pub use core::Engine; pub use attempt::run; pub use lease::Lease;",
        ),
        ("engine/core.rs", "use super::Lease; pub struct Engine;"),
        ("engine/lease.rs", "use crate::engine::run; pub struct Lease;"),
        ("engine/attempt.rs", "use crate::Engine; pub fn run() {}"),
    ]);
    assert_eq!(tree.circles(), ["engine/attempt.rs, engine/core.rs, engine/lease.rs"]);
}

#[test]
fn two_files_that_import_each_other_are_allowed() {
    let tree = tree(&[
        ("engine/mod.rs", "mod core; mod lease; pub use core::Engine;"),
        ("engine/core.rs", "use super::lease::Lease; pub struct Engine;"),
        ("engine/lease.rs", "use super::core::Engine; pub struct Lease;"),
    ]);
    assert_eq!(tree.circles(), [""; 0]);
}

/// A small crate of two layers, with some of its files replaced or added.
fn tree(files: &[(&str, &str)]) -> SourceTree {
    let base = [
        ("lib.rs", "mod model; mod engine; pub use engine::Engine; pub use model::Job;"),
        ("model/mod.rs", "mod job; pub use job::Job;"),
        ("model/job.rs", "pub struct Job;"),
        ("engine/mod.rs", "pub mod core; pub use core::Engine;"),
        ("engine/core.rs", "pub struct Engine;"),
    ];
    SourceTree::parse(base.into_iter().chain(files.iter().copied())).unwrap()
}

fn source(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(folder)
}
