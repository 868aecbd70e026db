//! r40: a policy returns an implementation of the strategy.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy(policy)]
fn pricing(_context: &ExecutionContext) -> Box<dyn Pricing> {
    Box::new(List)
}

fn main() {}
