//! `missed` needs a schedule.
use enact::prelude::*;

#[command]
struct Sweep {}

#[command(missed = Missed::All)]
async fn sweep(_sweep: Sweep) {}

fn main() {}
