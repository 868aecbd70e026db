//! r40: a method is called on the variant that the policy has chosen.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents() -> i64;
}

fn main() {}
