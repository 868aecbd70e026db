//! An option is given once.
use enact::prelude::*;

#[entity(id = number, id = iban)]
struct Account {
    number: String,
    iban: String,
}

fn main() {}
