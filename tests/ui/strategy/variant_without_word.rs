//! r40: the attribute of a variant is `#[strategy(variant)]`.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
