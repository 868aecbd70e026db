//! r40: a `dyn` trait has only methods.
use enact::prelude::*;

#[strategy]
trait Pricing {
    const CENTS: i64;
}

fn main() {}
