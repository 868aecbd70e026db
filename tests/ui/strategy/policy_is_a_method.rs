//! r40: a policy is a free function.
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

struct Prices;

impl Prices {
    #[strategy(policy)]
    fn pricing(&self, _context: &ExecutionContext) -> Box<dyn Pricing> {
        Box::new(List)
    }
}

fn main() {}
