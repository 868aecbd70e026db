//! A handler is identified by the command that is its first parameter.
use enact::prelude::*;

#[command]
async fn ping() {}

fn main() {}
