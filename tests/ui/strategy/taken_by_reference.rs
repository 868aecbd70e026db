//! r33: a handler takes a strategy as a box.
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
fn pricing(_context: &ExecutionContext) -> Box<dyn Pricing> {
    Box::new(List)
}

#[command]
struct Order {}

#[command]
async fn order(_order: Order, _pricing: &dyn Pricing) {}

fn main() {}
