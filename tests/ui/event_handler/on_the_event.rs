//! `#[event_handler]` goes on a function.
use enact::prelude::*;

#[event_handler]
struct Started {}

fn main() {}
