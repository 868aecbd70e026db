use std::error::Error;

use enact::prelude::*;

use super::LargeWithdrawal;

/// Reaches the holders of accounts. The program that runs the bank provides it.
pub trait Notifier: Send + Sync {
    /// Tells the holder of a large withdrawal. It may be told twice, if the bank dies right after it was told.
    ///
    /// # Errors
    /// If the holder cannot be reached now.
    fn large_withdrawal(&self, withdrawal: &LargeWithdrawal) -> Result<(), Box<dyn Error + Send + Sync>>;
}

#[event_handler(retry = Retry::exponential(10, Duration::from_secs(1)))]
async fn notify_holder(
    withdrawal: LargeWithdrawal,
    notifier: Arc<dyn Notifier>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    notifier.large_withdrawal(&withdrawal)
}
