//! r40: the attribute of the trait has no word.
use enact::prelude::*;

#[strategy(variant)]
trait Pricing {
    fn cents(&self) -> i64;
}

fn main() {}
