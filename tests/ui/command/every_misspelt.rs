//! A misspelt schedule is one mistake. The options that depend on it are not reported.
use enact::prelude::*;

#[command]
struct Sweep {}

#[command(evry = Duration::from_secs(60), missed = Missed::Skip)]
async fn sweep(_sweep: Sweep) {}

fn main() {}
