//! r40: the first parameter of a policy is the context.
use enact::prelude::*;

struct Prices;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy(variant)]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

#[strategy(policy)]
fn pricing(_prices: &Prices) -> Box<dyn Pricing> {
    Box::new(List)
}

fn main() {}
