//! r25: `idempotency_key` names a field of the command.
use enact::prelude::*;

#[command(idempotency_key = request_id)]
struct Pay {
    request: String,
    cents: i64,
}

fn main() {}
