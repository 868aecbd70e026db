//! A command and its handler are in one crate.
//!
//! Two errors: the type is from another crate, and it is not a command.
use enact::prelude::*;

#[command]
async fn greet(_name: String) {}

fn main() {}
