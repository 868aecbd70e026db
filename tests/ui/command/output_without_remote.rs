//! What a command's output is, is said by its handler, unless that is in another program.
use enact::prelude::*;

#[command(output = u64)]
struct Count {}

fn main() {}
