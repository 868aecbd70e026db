//! r40: an `impl` without the attribute is no variant, and its async methods are not those of the strategy.
//!
//! Two errors: the compiler compares the methods, too, and these are made fit for `dyn` by the attribute.
use enact::prelude::*;

#[strategy]
trait Pricing {
    async fn cents(&self) -> i64;
}

struct List;

impl Pricing for List {
    async fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
