//! r26: a queue has a name.
use enact::prelude::*;

#[event]
struct Swept {}

#[event_handler(queue = " ")]
async fn note(_event: Swept) {}

fn main() {}
