//! r06: the output is stored and read back, so it cannot borrow.
//!
//! In the compiler's words: a lifetime that is not general enough fails no bound, so no custom text is shown.
use enact::prelude::*;

#[command]
struct Greet {}

#[command]
async fn greet(_greet: Greet) -> Result<&'static str, Failure> {
    Ok("hello")
}

fn main() {}
