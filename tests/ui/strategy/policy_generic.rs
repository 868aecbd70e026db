//! r40: the runtime calls the policy and cannot choose type parameters.
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
fn pricing<T: Send>(_context: &ExecutionContext, _prices: Arc<T>) -> Box<dyn Pricing> {
    Box::new(List)
}

fn main() {}
