//! r14: an execution writes one entity.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = from)]
struct Transfer {
    from: String,
    to: String,
}

#[command]
async fn transfer(_transfer: Transfer, _from: &mut Account, _to: &mut Account) {}

fn main() {}
