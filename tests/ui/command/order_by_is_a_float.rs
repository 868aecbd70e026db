//! r26: a float cannot be the key of a lane, not even in an `Option`.
use enact::prelude::*;

#[command(order_by = amount)]
struct Pay {
    amount: Option<f32>,
}

fn main() {}
