//! Retention: jobs are kept unless a retention is set. Deleting a job deletes its attempts and its idempotency key.
//!
//! ```text
//! stored: letter 1 succeeded, letter 2 failed
//! pruned 1 job after a week
//! stored: letter 2 failed
//! letter 1 again: a new job
//! letter 2 again: the existing job
//! ```

use enact::clock::ManualClock;
use enact::prelude::*;
use enact::{MemoryStore, Retention};

/// Send a letter. Each letter is sent once.
#[command(idempotency_key = letter)]
struct Send {
    letter: u32,
}

#[command]
async fn send(send: Send) -> Result<(), String> {
    if send.letter == 1 { Ok(()) } else { Err("the letter has no stamp".to_owned()) }
}

const DAY: Duration = Duration::from_hours(24);

/// Failed jobs are kept longer, since they can be retried. `RuntimeBuilder::retention` prunes automatically.
const RETENTION: Retention = Retention::new().succeeded(DAY).failed(Duration::from_hours(24 * 90));

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = ManualClock::at("2030-01-01T12:00:00Z".parse()?);
    let office = Runtime::builder(MemoryStore::new()).clock(clock.clone()).start().await?;

    let mut first = Vec::new();
    for letter in [1, 2] {
        let job = office.publish(Send { letter }).await?;
        let _outcome = job.outcome().await;
        first.push(job.id());
    }
    print_jobs(&office).await?;

    clock.advance(7 * DAY);
    println!("pruned {} job after a week", office.jobs().prune(&RETENTION).await?);
    print_jobs(&office).await?;

    for (letter, first) in [1, 2].into_iter().zip(first) {
        let job = office.publish(Send { letter }).await?.id();
        println!("letter {letter} again: {}", if job == first { "the existing job" } else { "a new job" });
    }
    Ok(())
}

async fn print_jobs(office: &Runtime) -> Result<(), Box<dyn std::error::Error>> {
    let mut jobs = Vec::new();
    for job in office.jobs().list(&JobQuery::default()).await?.jobs {
        let letter: Send = job.payload.parse()?;
        jobs.push(format!("letter {} {}", letter.letter, job.state));
    }
    println!("stored: {}", jobs.join(", "));
    Ok(())
}
