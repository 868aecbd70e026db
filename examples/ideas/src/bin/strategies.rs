//! A strategy behind a feature flag: the policy queries a capability on each execution, and the chosen variant is recorded on the
//! attempt.
//!
//! ```text
//! 450 cents by Postage/grams
//! 390 cents by Postage/flat_rate
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use enact::MemoryStore;
use enact::prelude::*;

/// How the postage of a parcel is computed.
#[strategy]
trait Postage {
    fn cents(&self, grams: u32) -> u32;
}

struct Grams;

#[strategy(variant)]
impl Postage for Grams {
    fn cents(&self, grams: u32) -> u32 {
        grams * 3 / 10
    }
}

struct FlatRate {
    cents: u32,
}

#[strategy(variant)]
impl Postage for FlatRate {
    fn cents(&self, _grams: u32) -> u32 {
        self.cents
    }
}

/// Flags that operators can toggle while the program runs.
trait FeatureFlags: Send + Sync {
    fn is_on(&self, flag: &str) -> bool;
}

#[strategy(policy)]
fn postage(_context: &ExecutionContext, flags: Arc<dyn FeatureFlags>) -> Box<dyn Postage> {
    if flags.is_on("flat_rate") { Box::new(FlatRate { cents: 390 }) } else { Box::new(Grams) }
}

/// Turns all flags on or off.
struct Switch(AtomicBool);

impl FeatureFlags for Switch {
    fn is_on(&self, _flag: &str) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Compute the postage of a parcel.
#[command]
struct Quote {
    grams: u32,
}

#[command]
async fn quote(parcel: Quote, postage: Box<dyn Postage>) -> Result<u32, Failure> {
    Ok(postage.cents(parcel.grams))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags = Arc::new(Switch(AtomicBool::new(false)));
    let post =
        Runtime::builder(MemoryStore::new()).provide::<dyn FeatureFlags>(flags.clone()).start().await?;

    for is_on in [false, true] {
        flags.0.store(is_on, Ordering::Relaxed);
        let job = post.publish(Quote { grams: 1500 }).await?;
        let cents = job.outcome().await?;
        for choice in post.jobs().attempts(job.id()).await?.iter().flat_map(|attempt| &attempt.strategies) {
            println!("{cents} cents by {}/{}", choice.strategy, choice.variant);
        }
    }
    Ok(())
}
