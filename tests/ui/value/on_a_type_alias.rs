//! `#[value]` goes on a type of its own: an alias is another name for a type that is a value already.
use enact::prelude::*;

#[value]
type Cents = i64;

fn main() {}
