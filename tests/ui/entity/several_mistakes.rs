//! Several mistakes in one item are reported in one compile, and cause no others.
use enact::prelude::*;

#[entity(id = nummer, create = always, title = "account")]
struct Account {
    number: String,
}

fn main() {}
