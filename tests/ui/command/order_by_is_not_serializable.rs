//! r26: a lane's key is written as text, so its type needs what every field needs, and causes no more errors.
use enact::prelude::*;

struct Lane(u32);

#[command(order_by = lane)]
struct Pay {
    lane: Lane,
}

fn main() {}
