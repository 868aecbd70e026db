//! Everything that belongs together: what was asked for, and what that has caused. All of it has one correlation id.

use std::time::Duration;

use enact::CorrelationId;
use enact::prelude::*;
use enact::store::JobQuery;

/// How often it is looked, at first and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// Waits until nothing of a matter waits or runs any more, in this process or in another.
///
/// # Errors
/// If the store cannot be reached.
pub async fn wait_until_idle(bank: &Runtime, matter: &str) -> Result<(), Failure> {
    let mut live = JobQuery::new().correlation(CorrelationId::new(matter)).limit(1);
    live.states.extend(JobState::ALL.into_iter().filter(|state| !state.has_ended()));
    let (mut pause, longest) = PAUSES;
    while !bank.jobs().list(&live).await?.jobs.is_empty() {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
    Ok(())
}
