//! r40: a variant implements a strategy.
//!
//! Three times the same: the compiler says it of the implementation, and of both types in its registration.
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
