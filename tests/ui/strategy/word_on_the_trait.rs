//! r40: the trait is the strategy itself, and has no word.
use enact::prelude::*;

#[strategy(variant)]
trait Pricing {
    fn cents(&self) -> i64;
}

fn main() {}
