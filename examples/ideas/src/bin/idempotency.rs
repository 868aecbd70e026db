//! Idempotency keys: a repeated request returns the job of the first one, and is executed once.
//!
//! ```text
//! same job: true
//! collected: 5 cents
//! idempotency_mismatch
//! same job: true
//! collected: 10 cents
//! ```

use enact::MemoryStore;
use enact::prelude::*;

/// A collection of donations.
#[entity]
#[derive(Default)]
struct Fund {
    id: u32,
    cents: i64,
}

/// Donate money to a fund. The field `request` is the idempotency key.
#[command(target = fund, idempotency_key = request)]
struct Donate {
    request: Option<String>,
    fund: u32,
    cents: i64,
}

impl From<&Donate> for Fund {
    fn from(donation: &Donate) -> Self {
        Self { id: donation.fund, cents: 0 }
    }
}

#[command(create = if_missing)]
async fn donate(donation: Donate, fund: &mut Fund) {
    fund.cents += donation.cents;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let charity = Runtime::builder(MemoryStore::new()).start().await?;
    let donate = |request: Option<&str>, cents| Donate { request: request.map(String::from), fund: 1, cents };
    let fund = async || charity.entities::<Fund>().get(&1).await.map(Option::unwrap_or_default);

    let first = charity.publish(donate(Some("web/17"), 5)).await?;
    let again = charity.publish(donate(Some("web/17"), 5)).await?;
    first.outcome().await?;
    println!("same job: {}", first.id() == again.id());
    println!("collected: {} cents", fund().await?.cents);

    // The key of a different request is refused.
    if let Err(failure) = charity.publish(donate(Some("web/17"), 50)).await {
        println!("{}", failure.kind());
    }

    // Without the field, the caller can pass the key.
    let first = charity.publish(donate(None, 5)).idempotency_key("till/3").await?;
    let again = charity.publish(donate(None, 5)).idempotency_key("till/3").await?;
    first.outcome().await?;
    println!("same job: {}", first.id() == again.id());
    println!("collected: {} cents", fund().await?.cents);
    Ok(())
}
