//! What one `execute` costs without a disk: on the in-memory store, one at a time, on one thread:
//! `cargo bench -p enact-tests --bench execute`.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark that cannot go on has nothing better to do than panic"
)]

use enact::MemoryStore;
use enact::prelude::*;

/// An account.
#[entity]
pub struct Account {
    pub id: String,
    pub balance_cents: i64,
}

/// Put money into an account.
#[command(target = account)]
pub struct Deposit {
    pub account: String,
    #[schemars(range(min = 1, max = 100_000_000))]
    pub cents: i64,
}

/// Money has come into an account.
#[event]
pub struct MoneyDeposited {
    pub account: String,
    pub cents: i64,
}

impl From<&Deposit> for Account {
    fn from(deposit: &Deposit) -> Self {
        Self { id: deposit.account.clone(), balance_cents: 0 }
    }
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> bool {
    account.balance_cents >= 0
}

#[command(create = if_missing)]
async fn deposit(deposit: Deposit, account: &mut Account) {
    account.balance_cents += deposit.cents;
    emit(MoneyDeposited { account: account.id.clone(), cents: deposit.cents });
}

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
