//! r33: what a policy takes besides the context can be drawn from it.
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
fn pricing(_context: &ExecutionContext, _prices: Prices) -> Box<dyn Pricing> {
    Box::new(List)
}

fn main() {}
