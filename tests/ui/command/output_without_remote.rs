//! `output` is for remote commands.
use enact::prelude::*;

#[command(output = u64)]
struct Count {}

fn main() {}
