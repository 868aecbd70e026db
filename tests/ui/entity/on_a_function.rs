//! `#[entity]` goes on the struct.
use enact::prelude::*;

#[entity]
fn account() {}

fn main() {}
