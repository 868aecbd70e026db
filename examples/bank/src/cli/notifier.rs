//! The program's [`Notifier`].

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use bank::domain::{LargeWithdrawal, Notifier};

/// Writes notifications to the log.
#[derive(Default)]
pub(crate) struct LogNotifier {
    /// How long a notification takes, to simulate slow mail.
    pub(crate) delay: Duration,
}

#[async_trait]
impl Notifier for LogNotifier {
    async fn large_withdrawal(
        &self,
        withdrawal: &LargeWithdrawal,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        tokio::time::sleep(self.delay).await;
        let LargeWithdrawal { account, holder, cents } = withdrawal;
        let holder = holder.as_deref().unwrap_or("unknown");
        tracing::info!(%account, holder, cents, "notified the holder of a large withdrawal");
        Ok(())
    }
}
