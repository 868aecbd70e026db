//! r26: the key of a lane is serialized, so its type needs what every field needs. It causes no further errors.
use enact::prelude::*;

struct Lane(u32);

#[command(order_by = lane)]
struct Pay {
    lane: Lane,
}

fn main() {}
