//! Several mistakes in one item are reported in one compile, and cause no further errors.
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

#[strategy(policy, default = List)]
async fn pricing(_context: &ExecutionContext, _prices: &Prices) -> Box<dyn Pricing> {
    Box::new(List)
}

#[command]
struct Order {}

#[command]
async fn order(_order: Order, _pricing: Box<dyn Pricing>) {}

fn main() {}
