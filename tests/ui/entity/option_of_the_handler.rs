//! r12: `create` is an option of the handler.
use enact::prelude::*;

#[entity(create = always)]
struct Account {
    id: String,
}

fn main() {}
