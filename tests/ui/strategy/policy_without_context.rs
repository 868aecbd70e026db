//! r40: a policy takes the context.
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
fn pricing() -> Box<dyn Pricing> {
    Box::new(List)
}

fn main() {}
