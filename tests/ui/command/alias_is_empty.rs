//! r52: an alias is not empty.
use enact::prelude::*;

#[command(alias = ["OldPing", ""])]
struct Ping {}

fn main() {}
