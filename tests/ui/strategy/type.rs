//! r40: of a `dyn` only methods can be asked.
use enact::prelude::*;

#[strategy]
trait Pricing {
    type Currency;
}

fn main() {}
