//! r40: `impl Trait` makes a method generic.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self, of: impl Into<i64>) -> i64;
}

fn main() {}
