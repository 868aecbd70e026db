//! The path of the crate is a path.
use enact::prelude::*;

#[command]
#[enact(crate = "my enact")]
struct Ping {}

fn main() {}
