//! r40: a variant implements a strategy.
//!
//! Reported three times: for the implementation, and for both types in its registration.
use enact::prelude::*;

trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy(variant)]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
