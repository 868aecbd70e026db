//! Idempotent requests: who repeats a request gets the job of the first one, and nothing is done twice.
//!
//! ```text
//! the same job: true
//! the pot has 5
//! idempotency_mismatch
//! the same call: true
//! the pot has 10
//! ```

use enact::MemoryStore;
use enact::prelude::*;

/// What has been collected.
#[entity]
#[derive(Default)]
struct Pot {
    id: u32,
    cents: i64,
}

/// Put money into a pot. A request is known by the field that says so.
#[command(target = pot, idempotency_key = request)]
struct Give {
    request: Option<String>,
    pot: u32,
    cents: i64,
}

impl From<&Give> for Pot {
    fn from(gift: &Give) -> Self {
        Self { id: gift.pot, cents: 0 }
    }
}

#[command(create = if_missing)]
async fn give(gift: Give, pot: &mut Pot) {
    pot.cents += gift.cents;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let club = Runtime::builder(MemoryStore::new()).start().await?;
    let give = |request: Option<&str>, cents| Give { request: request.map(String::from), pot: 1, cents };
    let pot = async || club.entities::<Pot>().get(&1).await.map(Option::unwrap_or_default);

    let first = club.publish(give(Some("web/17"), 5)).await?;
    let again = club.publish(give(Some("web/17"), 5)).await?;
    first.outcome().await?;
    println!("the same job: {}", first.id() == again.id());
    println!("the pot has {}", pot().await?.cents);

    // The key of another request is a mistake, and says so.
    if let Err(refused) = club.publish(give(Some("web/17"), 50)).await {
        println!("{}", refused.kind());
    }

    // The key may also come with the call; the field is `None` then.
    let first = club.publish(give(None, 5)).idempotency_key("till/3").await?;
    let again = club.publish(give(None, 5)).idempotency_key("till/3").await?;
    first.outcome().await?;
    println!("the same call: {}", first.id() == again.id());
    println!("the pot has {}", pot().await?.cents);
    Ok(())
}
