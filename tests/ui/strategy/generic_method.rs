//! r40: a strategy is called through `dyn`, which has no generic methods.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents<T: Into<i64>>(&self, of: T) -> i64;
}

fn main() {}
