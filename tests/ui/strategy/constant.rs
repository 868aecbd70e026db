//! r40: of a `dyn` only methods can be asked.
use enact::prelude::*;

#[strategy]
trait Pricing {
    const CENTS: i64;
}

fn main() {}
