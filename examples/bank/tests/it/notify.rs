//! Holders are told of large withdrawals, and of no others.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bank::domain::{Deposit, LargeWithdrawal, Notifier, OpenAccount, Withdraw};
use bank::matter::wait_until_idle;
use enact::MemoryStore;
use enact::prelude::*;

/// Keeps what it was to tell.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<LargeWithdrawal>>);

#[async_trait]
impl Notifier for Recorder {
    async fn large_withdrawal(
        &self,
        withdrawal: &LargeWithdrawal,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(withdrawal.clone());
        Ok(())
    }
}

/// A bank in memory.
pub(crate) async fn bank_in_memory() -> (Runtime, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    let bank =
        Runtime::builder(MemoryStore::default()).provide::<dyn Notifier>(recorder.clone()).start().await;
    (bank.expect("the domain is wired"), recorder)
}

#[tokio::test]
async fn a_holder_is_told_of_a_large_withdrawal_only() -> Result<(), Failure> {
    let (bank, recorder) = bank_in_memory().await;
    let withdraw = |cents| Withdraw { account: "a-1".into(), cents, transaction: None };
    bank.scope(ContextSeed::new().correlation_id("visit"), {
        let bank = bank.clone();
        async move {
            bank.execute(OpenAccount { account: "a-1".into(), holder: "Ada".into() }).await?;
            bank.execute(Deposit { account: "a-1".into(), cents: 10_000_000, transaction: None }).await?;
            bank.execute(withdraw(4_999_999)).await?;
            bank.execute(withdraw(5_000_000)).await
        }
    })
    .await?;
    wait_until_idle(&bank, "visit").await?;
    let told = recorder.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(
        told,
        [LargeWithdrawal { account: "a-1".into(), holder: Some("Ada".into()), cents: 5_000_000 }]
    );
    Ok(())
}
