//! The helper attribute goes below `#[command]`.
//!
//! Two errors in the compiler's words: `#[enact(…)]` is a helper of the attribute above it, and serde's derive does not find its
//! crate. It cannot be an attribute with an error of its own, because `#[derive(Failure)]` has a helper of that name.
use enact::prelude::*;

#[enact(crate = "enact")]
#[command]
struct Ping {}

fn main() {}
