use std::error::Error;

use async_trait::async_trait;
use enact::prelude::*;

use super::LargeWithdrawal;

/// Notifies account holders. The program that runs the bank provides it.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Notifies the holder of a large withdrawal. Delivery is at least once: a crash can cause a second notification.
    ///
    /// # Errors
    /// If the holder cannot be reached.
    async fn large_withdrawal(
        &self,
        withdrawal: &LargeWithdrawal,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// Runs in a queue of its own, so that slow mail never delays a payment.
#[event_handler(queue = "mail", retry = Retry::exponential_with_jitter(10, Duration::from_secs(1)))]
async fn notify_holder(
    withdrawal: LargeWithdrawal,
    notifier: Arc<dyn Notifier>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    notifier.large_withdrawal(&withdrawal).await
}
