//! A cron pattern is a text.
use enact::prelude::*;

#[command]
struct Sweep {}

#[command(cron = 3)]
async fn sweep(_sweep: Sweep) {}

fn main() {}
