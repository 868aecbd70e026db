//! An event is stored as a JSON object, even without fields.
use enact::prelude::*;

#[event]
struct Closed;

fn main() {}
