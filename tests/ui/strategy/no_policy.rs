//! r40: a strategy that is extracted has a policy.
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

#[command]
struct Order {}

#[command]
async fn order(_order: Order, _pricing: Box<dyn Pricing>) {}

fn main() {}
