//! r40: a variant's methods are `async` where the strategy's are.
//!
//! In the compiler's words: the attribute of an `impl` does not see the trait.
use enact::prelude::*;

#[strategy]
trait Pricing {
    async fn cents(&self) -> i64;
}

struct List;

#[strategy(variant)]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
