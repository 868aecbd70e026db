//! An unknown word suggests the one that was meant.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy(varient)]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
