//! r26: a field that serde writes in a custom form is a key only if its type can be serialized by itself.
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
