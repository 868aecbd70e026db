use std::error::Error;

use async_trait::async_trait;
use enact::prelude::*;

use super::LargeWithdrawal;

/// Reaches the holders of accounts. The program that runs the bank provides it.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells the holder of a large withdrawal. It may be told twice, if the bank dies right after it was told.
    ///
    /// # Errors
    /// If the holder cannot be reached now.
    async fn large_withdrawal(
        &self,
        withdrawal: &LargeWithdrawal,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// Letters have a queue of their own: however many there are to be sent, and however slow the post is, no money waits for it.
#[event_handler(queue = "mail", retry = Retry::exponential_with_jitter(10, Duration::from_secs(1)))]
async fn notify_holder(
    withdrawal: LargeWithdrawal,
    notifier: Arc<dyn Notifier>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    notifier.large_withdrawal(&withdrawal).await
}
