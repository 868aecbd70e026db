//! The conformance suite for [enact](https://docs.rs/enact) stores.
//!
//! A store implements [`Store`](enact::store::Store). This crate tests the whole contract of the trait: some 340 cases,
//! and random sequences of calls that are compared with a simple model. Add it to the store's `[dev-dependencies]`, in the
//! version of `enact` that the store pins (`enact-store-suite = "=0.1.0"`), and run the suite from an integration test:
//!
//! ```
//! // tests/conformance.rs
//! use enact::MemoryStore;
//! use enact_store_suite::TestStore;
//!
//! /// Opens a new, empty store for one test.
//! fn open() -> TestStore {
//!     let store = MemoryStore::new();
//!     // Called again to reopen the store, and to open it a second time like another process would.
//!     TestStore::new(move || store.clone())
//! }
//!
//! enact_store_suite::conformance!(memory_store, open);
//! # fn main() {
//! #     use enact_store_suite::cases::submit;
//! #     enact_store_suite::check(open, submit::a_submitted_job_is_ready_and_has_no_attempts);
//! # }
//! ```
//!
//! `cargo test` then lists one test for each case, such as
//! `memory_store::cancel::r24_a_cancelled_job_stays_cancelled`. A test of a store in a file opens that file; keep its
//! temporary directory alive by moving it into the closure.
//!
//! A case relies only on what the trait promises. Where the trait leaves a choice, such as which of several reasons a refused
//! commit names, every choice passes. Times are arguments in whole microseconds; no case sleeps or reads a clock. Like the
//! trait, the suite is exempt from semantic versioning: any version may add cases.

pub mod cases;
pub mod model;

mod attempt;
mod list;
mod sample;
mod test_store;

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;

pub use test_store::TestStore;

/// Runs one case on a new store. [`conformance!`] generates a call for each case. `open` may return an `Option`: a store that needs a server
/// is left out on a machine that has none.
///
/// # Panics
/// If the store does not show the behaviour, or if the case takes longer than two minutes.
pub fn check<S: Into<Option<TestStore>>, F: Future<Output = ()>>(
    open: impl Fn() -> S,
    case: impl Fn(TestStore) -> F,
) {
    block_on(&runtime(), async {
        if let Some(store) = open().into() {
            case(store).await;
        }
    });
}

/// A runtime with more than one thread.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

/// Runs a test with a time limit, so that a deadlock in a store fails the test.
fn block_on<T>(runtime: &Runtime, test: impl Future<Output = T>) -> T {
    const TIME_LIMIT: Duration = Duration::from_secs(120);
    runtime.block_on(async { timeout(TIME_LIMIT, test).await.expect("the test takes too long") })
}
