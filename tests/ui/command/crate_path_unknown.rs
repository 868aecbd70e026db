//! `crate` is the only option of `#[enact(…)]`.
use enact::prelude::*;

#[command]
#[enact(krate = "enact")]
struct Ping {}

fn main() {}
