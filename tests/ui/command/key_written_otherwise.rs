//! r26: a field that serde writes in a way of its own is no key, unless its type can be written by itself.
use enact::prelude::*;

struct Lane(u32);

#[command(order_by = lane)]
struct Pay {
    #[serde(skip, default = "first")]
    lane: Lane,
}

fn first() -> Lane {
    Lane(1)
}

fn main() {}
