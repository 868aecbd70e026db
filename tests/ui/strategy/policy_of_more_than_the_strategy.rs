//! r40: a policy returns `Box<dyn Strategy>`. `dyn Strategy + Send` is another type.
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
fn pricing(_context: &ExecutionContext) -> Box<dyn Pricing + Send + Sync> {
    Box::new(List)
}

fn main() {}
