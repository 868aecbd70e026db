//! r25: a float cannot be a key, because keys are compared.
use enact::prelude::*;

#[command(idempotency_key = amount)]
struct Pay {
    amount: f64,
}

fn main() {}
