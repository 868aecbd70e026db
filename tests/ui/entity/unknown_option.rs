//! An unknown option suggests the one that was meant.
use enact::prelude::*;

#[entity(idd = id)]
struct Account {
    id: String,
}

fn main() {}
