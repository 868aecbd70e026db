//! r38: the policies for overlapping runs are `skip`, `queue` and `allow`.
use enact::prelude::*;

#[command]
struct Sweep {}

impl From<Tick> for Sweep {
    fn from(_: Tick) -> Self {
        Sweep {}
    }
}

#[command(every = Duration::from_secs(60), overlap = sikp)]
async fn sweep(_sweep: Sweep) {}

fn main() {}
