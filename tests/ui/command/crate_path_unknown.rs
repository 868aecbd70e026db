//! The path of the crate is the one option of `#[enact(…)]`.
use enact::prelude::*;

#[command]
#[enact(krate = "enact")]
struct Ping {}

fn main() {}
