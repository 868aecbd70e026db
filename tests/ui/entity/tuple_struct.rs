//! An entity is a JSON object: its fields have names.
use enact::prelude::*;

#[entity]
struct Account(String);

fn main() {}
