//! r40: a strategy is one `dyn` type.
use enact::prelude::*;

#[strategy]
trait Pricing<T> {
    fn cents(&self, of: T) -> i64;
}

fn main() {}
