//! r06: what a handler returns outlives it, and is read from the record as a value of its own.
//!
//! In the compiler's words: that a lifetime is too particular fails no bound, so no text of a bound is shown.
use enact::prelude::*;

#[command]
struct Greet {}

#[command]
async fn greet(_greet: Greet) -> Result<&'static str, Failure> {
    Ok("hello")
}

fn main() {}
