//! The path of the crate stands below the attribute.
//!
//! In the compiler's words, and twice, since serde's derive does not find its crate then: `#[enact(…)]` is no attribute of its
//! own, but a word to the one above it. It cannot be made one to say so, as `#[derive(Failure)]` has a word of that name.
use enact::prelude::*;

#[enact(crate = "enact")]
#[command]
struct Ping {}

fn main() {}
