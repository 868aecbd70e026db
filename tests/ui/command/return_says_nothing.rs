//! r27: a handler returns `()` or a `Result`. Said twice, as of everything that cannot be returned.
use enact::prelude::*;

#[command]
struct Count {}

#[command]
async fn count(_count: Count) -> u64 {
    3
}

fn main() {}
