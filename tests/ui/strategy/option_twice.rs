//! An option is given once.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy(variant, name = "list", name = "by_list")]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
