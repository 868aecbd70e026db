//! r40: a `dyn` trait has only methods.
use enact::prelude::*;

#[strategy]
trait Pricing {
    type Currency;
}

fn main() {}
