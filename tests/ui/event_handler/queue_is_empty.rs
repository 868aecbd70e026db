//! r26: the name of a queue is not empty.
use enact::prelude::*;

#[event]
struct Swept {}

#[event_handler(queue = " ")]
async fn note(_event: Swept) {}

fn main() {}
