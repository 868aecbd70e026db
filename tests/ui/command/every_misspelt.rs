//! A misspelt schedule is one mistake, and what belongs to it is none.
use enact::prelude::*;

#[command]
struct Sweep {}

#[command(evry = Duration::from_secs(60), missed = Missed::Skip)]
async fn sweep(_sweep: Sweep) {}

fn main() {}
