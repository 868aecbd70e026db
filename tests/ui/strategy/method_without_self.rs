//! r40: a method is called on the chosen variant.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents() -> i64;
}

fn main() {}
