//! An option is given once.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler(retry = Retry::none(), retry = Retry::none())]
async fn started(_event: Started) {}

fn main() {}
