//! The time of one `execute` on the in-memory store, one at a time, on one thread:
//! `cargo bench -p enact-tests --bench execute`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on panics")]

mod domain;

use enact::{MemoryStore, Runtime};

use domain::Deposit;

fn main() {
    divan::main();
}

#[divan::bench(sample_size = 1000)]
fn execute(bencher: divan::Bencher) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bank = tokio.block_on(Runtime::builder(MemoryStore::new()).start()).unwrap();
    bencher
        .with_inputs(|| Deposit { account: "a-1".to_owned(), cents: 5 })
        .bench_local_values(|deposit| tokio.block_on(bank.execute(deposit).into_future()).unwrap());
}
