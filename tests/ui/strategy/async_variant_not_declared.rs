//! r40: without the attribute an `impl` is not a variant, and its async methods do not match the strategy's.
//!
//! Two errors: the compiler also compares the methods, which the attribute makes usable as `dyn`.
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
