//! An event is a JSON object, without fields too.
use enact::prelude::*;

#[event]
struct Closed;

fn main() {}
