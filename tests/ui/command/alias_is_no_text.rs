//! r52: an alias is a text, or several.
use enact::prelude::*;

#[command(alias = OldPing)]
struct Ping {}

fn main() {}
