//! r40: a variant may be used by several threads at once.
use std::cell::Cell;

use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List(Cell<i64>);

#[strategy(variant)]
impl Pricing for List {
    fn cents(&self) -> i64 {
        self.0.get()
    }
}

fn main() {}
