//! r52: an alias is a text, or an array of texts.
use enact::prelude::*;

#[command(alias = OldPing)]
struct Ping {}

fn main() {}
