//! r40: a strategy is one trait, and its `dyn` one type.
use enact::prelude::*;

#[strategy]
trait Pricing<T> {
    fn cents(&self, of: T) -> i64;
}

fn main() {}
