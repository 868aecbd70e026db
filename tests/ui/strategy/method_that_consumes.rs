//! r40: a handler is lent the variant.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(self) -> i64;
}

fn main() {}
