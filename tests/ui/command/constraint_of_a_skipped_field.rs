// A constraint of a field that is never read is never checked.

use enact::prelude::*;

#[command]
struct Pay {
    #[serde(skip)]
    #[schemars(range(min = 1), extend("maximum" = 9))]
    cents: i64,
}

#[command]
async fn pay(_: Pay) {}

fn main() {}
