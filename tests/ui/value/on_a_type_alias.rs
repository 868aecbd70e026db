//! `#[value]` goes on a struct or an enum, not on an alias.
use enact::prelude::*;

#[value]
type Cents = i64;

fn main() {}
