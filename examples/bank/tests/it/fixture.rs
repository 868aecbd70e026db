//! Starts the bank on a `TestRuntime`, with a notifier that records its calls.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bank::domain::{Account, LargeWithdrawal, Notifier};
use enact::prelude::*;
use enact::testing::TestRuntime;

/// Records notifications, and can be made to fail.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Recorded>);

#[derive(Default)]
struct Recorded {
    notified: Vec<LargeWithdrawal>,
    remaining_failures: u32,
}

impl Recorder {
    /// Returns the notifications that succeeded, in order.
    pub(crate) fn notified(&self) -> Vec<LargeWithdrawal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).notified.clone()
    }

    /// Makes the next notifications fail.
    pub(crate) fn fail_next(&self, times: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remaining_failures = times;
    }
}

#[async_trait]
impl Notifier for Recorder {
    async fn large_withdrawal(
        &self,
        withdrawal: &LargeWithdrawal,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.remaining_failures > 0 {
            recorded.remaining_failures -= 1;
            return Err("the mail server is unavailable".into());
        }
        recorded.notified.push(withdrawal.clone());
        Ok(())
    }
}

/// Starts a bank in memory. The test drives its clock and its jobs.
pub(crate) async fn bank() -> (TestRuntime, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    (TestRuntime::builder().provide::<dyn Notifier>(recorder.clone()).start().await, recorder)
}

/// Returns an account that belongs to Ada.
pub(crate) fn account(id: &str, balance_cents: i64) -> Account {
    Account { id: id.into(), holder: Some("Ada".into()), balance_cents }
}
