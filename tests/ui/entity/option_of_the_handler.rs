//! r12: how an entity begins is said by the handler that makes it.
use enact::prelude::*;

#[entity(create = always)]
struct Account {
    id: String,
}

fn main() {}
