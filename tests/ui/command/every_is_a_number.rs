//! A period is a duration.
use enact::prelude::*;

#[command]
struct Sweep {}

impl From<Tick> for Sweep {
    fn from(_: Tick) -> Self {
        Sweep {}
    }
}

#[command(every = 60)]
async fn sweep(_sweep: Sweep) {}

fn main() {}
