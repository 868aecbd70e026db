//! r40: a policy chooses by the context.
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
