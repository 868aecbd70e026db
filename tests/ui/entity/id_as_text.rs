//! `id` is a field, not a text.
use enact::prelude::*;

#[entity(id = "number")]
struct Account {
    number: String,
}

fn main() {}
