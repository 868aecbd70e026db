//! `missed` is an expression of type `Missed`.
use enact::prelude::*;

#[command]
struct Sweep {}

impl From<Tick> for Sweep {
    fn from(_: Tick) -> Self {
        Sweep {}
    }
}

#[command(every = Duration::from_secs(60), missed = "skip")]
async fn sweep(_sweep: Sweep) {}

fn main() {}
