//! r27: a handler returns `()` or a `Result`. Reported twice, like every unusable return type.
use enact::prelude::*;

#[command]
struct Count {}

#[command]
async fn count(_count: Count) -> u64 {
    3
}

fn main() {}
