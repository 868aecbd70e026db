//! Waits for everything that one request causes. All of its jobs share a correlation id.

use std::time::Duration;

use enact::CorrelationId;
use enact::prelude::*;

/// The first pause between two queries. Each further pause is twice as long, up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(5);

const MAX_PAUSE: Duration = Duration::from_millis(500);

/// Waits until all jobs with this correlation id have ended, whichever process runs them.
///
/// # Errors
/// If the store is unavailable.
pub async fn wait_until_idle(bank: &Runtime, correlation: &str) -> Result<(), Failure> {
    let live = JobQuery::new()
        .states(JobState::ALL.iter().copied().filter(|state| !state.has_ended()))
        .correlation(CorrelationId::new(correlation))
        .limit(1);
    let mut pause = MIN_PAUSE;
    while !bank.jobs().list(&live).await?.jobs.is_empty() {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
    Ok(())
}
