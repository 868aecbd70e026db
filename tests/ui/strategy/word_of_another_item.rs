//! r40: each kind of item has its own word.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy(policy)]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
