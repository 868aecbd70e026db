//! The schedule and the queue of a command are options of its handler.
use enact::prelude::*;

#[command(every = Duration::from_secs(60), missed = Missed::Skip, queue = "chores")]
struct Sweep {}

#[command(cron = "0 3 * * *")]
struct Close {}

fn main() {}
