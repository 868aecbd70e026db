//! r40: a policy is not `async`.
use enact::prelude::*;

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
async fn pricing(_context: &ExecutionContext) -> Box<dyn Pricing> {
    Box::new(List)
}

fn main() {}
