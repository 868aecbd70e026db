//! An unknown option suggests the one that was meant. Variants, policy and handlers of the strategy get no errors.
use enact::prelude::*;

#[strategy(nam = "prices")]
trait Pricing {
    async fn cents(&self) -> i64;
}

struct List;

#[strategy(variant)]
impl Pricing for List {
    async fn cents(&self) -> i64 {
        100
    }
}

#[strategy(policy)]
fn pricing(_context: &ExecutionContext) -> Box<dyn Pricing> {
    Box::new(List)
}

#[command]
struct Quote {}

#[command]
async fn quote(_quote: Quote, pricing: Box<dyn Pricing>) -> Result<i64, Failure> {
    Ok(pricing.cents().await)
}

fn main() {}
