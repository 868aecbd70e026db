//! r26: `order_by` names a field of the command.
use enact::prelude::*;

#[command(order_by = customer)]
struct Pay {
    cents: i64,
}

fn main() {}
