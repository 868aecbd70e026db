//! An entity is stored as a JSON object, so its fields have names.
use enact::prelude::*;

#[entity]
struct Account(String);

fn main() {}
