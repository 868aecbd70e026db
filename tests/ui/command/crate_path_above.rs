//! The path of the crate stands below the attribute.
use enact::prelude::*;

#[enact(crate = "enact")]
#[command]
struct Ping {}

fn main() {}
