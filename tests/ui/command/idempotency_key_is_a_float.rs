//! r25: a key is compared: a float is none.
use enact::prelude::*;

#[command(idempotency_key = amount)]
struct Pay {
    amount: f64,
}

fn main() {}
