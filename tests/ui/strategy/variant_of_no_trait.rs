//! r40: a variant implements its strategy.
use enact::prelude::*;

struct List;

#[strategy(variant)]
impl List {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
