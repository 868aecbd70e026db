//! A command is a type of the crate that handles it.
//!
//! Two errors: that the type is another crate's, and that it is no command. Both are true of it, and either mends it.
use enact::prelude::*;

#[command]
async fn greet(_name: String) {}

fn main() {}
