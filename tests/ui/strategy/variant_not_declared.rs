//! r40: a policy returns declared variants. Without the attribute an `impl` is not a variant.
use enact::prelude::*;

#[strategy]
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
