//! The time of one `execute` on the in-memory store, one at a time, called from `block_on`:
//! `cargo bench -p enact-tests --bench execute`. Each of 100 rounds executes a thousand commands; the output shows the
//! fastest, the slowest and the median round, per command.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

mod domain;

use enact::{MemoryStore, Runtime};
use tokio::runtime::{Builder, Runtime as Tokio};

use domain::Deposit;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 100, sample_size = 1000)]
fn on_a_current_thread_runtime(bencher: divan::Bencher) {
    execute(bencher, &Builder::new_current_thread().enable_all().build().unwrap());
}

/// What most programs run.
#[divan::bench(sample_count = 100, sample_size = 1000)]
fn on_a_multi_thread_runtime(bencher: divan::Bencher) {
    execute(bencher, &Builder::new_multi_thread().enable_all().build().unwrap());
}

fn execute(bencher: divan::Bencher, tokio: &Tokio) {
    let bank = tokio.block_on(Runtime::builder(MemoryStore::new()).start()).unwrap();
    bencher
        .with_inputs(|| Deposit { account: "a-1".to_owned(), cents: 5 })
        .bench_local_values(|deposit| tokio.block_on(bank.execute(deposit).into_future()).unwrap());
}
