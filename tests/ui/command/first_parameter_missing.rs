//! A handler is found by the command that it takes first.
use enact::prelude::*;

#[command]
async fn ping() {}

fn main() {}
