//! The identity of an entity is a key, so it cannot be a float.
use enact::prelude::*;

#[command(target = account)]
struct Audit {
    account: f64,
}

#[command(stateless)]
async fn audit(_audit: Audit) {}

fn main() {}
