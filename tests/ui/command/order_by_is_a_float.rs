//! r26: a lane is known by its key, and a float is none, wrapped in an `Option` neither.
use enact::prelude::*;

#[command(order_by = amount)]
struct Pay {
    amount: Option<f32>,
}

fn main() {}
