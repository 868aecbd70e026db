//! The bank as the tests of its domain start it: with a notifier that they can look at.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bank::domain::{Account, LargeWithdrawal, Notifier};
use enact::prelude::*;
use enact::testing::TestRuntime;

/// Keeps whom it was to tell, and can be out of reach.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Recorded>);

#[derive(Default)]
struct Recorded {
    told: Vec<LargeWithdrawal>,
    failures_to_come: u32,
}

impl Recorder {
    /// Everybody who was told, in order.
    pub(crate) fn told(&self) -> Vec<LargeWithdrawal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).told.clone()
    }

    /// Cannot be reached the next few times.
    pub(crate) fn is_out_of_reach(&self, times: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failures_to_come = times;
    }
}

#[async_trait]
impl Notifier for Recorder {
    async fn large_withdrawal(
        &self,
        withdrawal: &LargeWithdrawal,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recorded.failures_to_come > 0 {
            recorded.failures_to_come -= 1;
            return Err("nobody answers".into());
        }
        recorded.told.push(withdrawal.clone());
        Ok(())
    }
}

/// A bank in memory, whose time and jobs are the test's.
pub(crate) async fn bank() -> (TestRuntime, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    (TestRuntime::builder().provide::<dyn Notifier>(recorder.clone()).start().await, recorder)
}

/// An account of Ada's.
pub(crate) fn account(id: &str, balance_cents: i64) -> Account {
    Account { id: id.into(), holder: Some("Ada".into()), balance_cents }
}
