//! The crate path must be a path.
use enact::prelude::*;

#[command]
#[enact(crate = "my enact")]
struct Ping {}

fn main() {}
