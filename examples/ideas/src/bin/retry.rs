//! Retry and failures: a policy tries again what may pass next time, and never what cannot. Every attempt stays on record.
//!
//! ```text
//! Ok(())
//!   attempt 1: error (error): the line is busy
//!   attempt 2: panicked (panicked): panicked: what was the number again?
//!   attempt 3: done
//! Err(denied (denied): there is no such number)
//!   attempt 1: denied (denied): there is no such number
//! ```

use std::io;

use enact::MemoryStore;
use enact::prelude::*;

/// Call somebody.
#[command]
struct Call {
    number: u32,
}

#[command(retry = Retry::exponential(5, Duration::from_millis(1)))]
async fn call(call: Call, context: ExecutionContext) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if call.number == 0 {
        return Err(Failure::denied("there is no such number").into());
    }
    match context.attempt() {
        Some(1) => Err(io::Error::other("the line is busy").into()),
        Some(2) => panic!("what was the number again?"),
        _ => Ok(()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A panic is on record. That it is printed as well is the panic hook's affair.
    std::panic::set_hook(Box::new(|_| {}));
    let office = Runtime::builder(MemoryStore::new()).start().await?;

    for number in [17, 0] {
        let job = office.publish(Call { number }).await?;
        println!("{:?}", job.outcome().await);
        for attempt in office.jobs().attempts(job.id()).await? {
            match attempt.failure {
                Some(failure) => println!("  attempt {}: {failure:?}", attempt.number),
                None => println!("  attempt {}: done", attempt.number),
            }
        }
    }
    Ok(())
}
