//! r33: the further parameters of a policy can be extracted from the context.
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
