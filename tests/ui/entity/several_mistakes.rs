//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[entity(id = nummer, create = always, title = "account")]
struct Account {
    number: String,
}

fn main() {}
