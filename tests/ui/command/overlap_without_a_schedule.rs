//! `overlap` needs a schedule.
use enact::prelude::*;

#[command]
struct Sweep {}

#[command(overlap = skip)]
async fn sweep(_sweep: Sweep) {}

fn main() {}
