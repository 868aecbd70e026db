//! An entity has an identity, so it has a field.
use enact::prelude::*;

#[entity]
struct Account;

fn main() {}
