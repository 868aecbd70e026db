//! r40: a handler borrows the variant.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(self) -> i64;
}

fn main() {}
