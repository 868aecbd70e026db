//! r40: a policy returns a strategy.
use enact::prelude::*;

trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

#[strategy(policy)]
fn pricing(_context: &ExecutionContext) -> Box<dyn Pricing> {
    Box::new(List)
}

fn main() {}
