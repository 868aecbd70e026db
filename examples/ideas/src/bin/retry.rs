//! Retries: a policy retries failures that can be transient, and never permanent ones. Every attempt is recorded.
//!
//! ```text
//! Ok(())
//!   attempt 1: error (error): the line is busy
//!   attempt 2: panicked (panicked): panicked: the phone is off the hook
//!   attempt 3: succeeded
//! Err(denied (denied): the number is blocked)
//!   attempt 1: denied (denied): the number is blocked
//! ```

use std::io;

use enact::MemoryStore;
use enact::prelude::*;

/// Call a number.
#[command]
struct Call {
    number: u32,
}

#[command(retry = Retry::exponential(5, Duration::from_millis(1)))]
async fn call(call: Call, context: ExecutionContext) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if call.number == 0 {
        return Err(Failure::denied("the number is blocked").into());
    }
    match context.attempt() {
        Some(1) => Err(io::Error::other("the line is busy").into()),
        Some(2) => panic!("the phone is off the hook"),
        _ => Ok(()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Keeps the panic from being printed as well. It is recorded either way.
    std::panic::set_hook(Box::new(|_| {}));
    let office = Runtime::builder(MemoryStore::new()).start().await?;

    for number in [17, 0] {
        let job = office.publish(Call { number }).await?;
        println!("{:?}", job.outcome().await);
        for attempt in office.jobs().attempts(job.id()).await? {
            match attempt.failure {
                Some(failure) => println!("  attempt {}: {failure:?}", attempt.number),
                None => println!("  attempt {}: succeeded", attempt.number),
            }
        }
    }
    Ok(())
}
