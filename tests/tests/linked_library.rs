//! A domain in a library crate. This program names `shop-orders` and never `shop-billing`, although both are dependencies of
//! its package: the linker leaves `shop-billing` out, and so nothing of it is in the domain.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use enact::MemoryStore;
use enact::prelude::*;
use shop_orders::{Order, PlaceOrder};

async fn start() -> Runtime {
    Runtime::builder(MemoryStore::new()).start().await.unwrap()
}

fn order(order: &str, cents: u64) -> PlaceOrder {
    PlaceOrder { order: order.to_owned(), cents }
}

#[tokio::test]
async fn r50_a_domain_is_linked_from_a_library_crate() {
    let shop = start().await;
    let commands: Vec<_> = shop.wiring().commands.iter().map(|command| command.name).collect();
    assert_eq!(commands, ["CancelOrder", "PlaceOrder"]);
    let source = shop.wiring().commands[0].source;
    assert!(source.file.ends_with("crates/shop-orders/src/lib.rs"), "{source}");

    shop.execute(order("o-1", 5)).await.unwrap();
    let order = shop.entities::<Order>().get(&"o-1".to_owned()).await.unwrap().unwrap();
    assert_eq!(order.cents, 5);
}

#[tokio::test]
async fn r50_a_dependency_that_is_never_named_is_not_linked() {
    let shop = start().await;
    let entities: Vec<_> = shop.wiring().entities.iter().map(|entity| entity.name).collect();
    assert_eq!(entities, ["Order"]);
    assert!(shop.wiring().event("OrderPlaced").unwrap().handlers.is_empty());
    // The invariant that would refuse this is in `shop-billing`.
    shop.execute(order("o-2", 1_000_001)).await.unwrap();
}

#[tokio::test]
async fn r50_one_domain_can_be_started_twice_in_a_process() {
    let (first, second) = (start().await, start().await);
    let names = |shop: &Runtime| shop.wiring().to_string();
    assert_eq!(names(&first), names(&second));

    first.execute(order("o-3", 5)).await.unwrap();
    second.execute(order("o-3", 7)).await.unwrap();
    first.shutdown(Duration::from_secs(10)).await.unwrap();
    second.execute(order("o-4", 7)).await.unwrap();
    let placed = second.entities::<Order>().get(&"o-3".to_owned()).await.unwrap().unwrap();
    assert_eq!(placed.cents, 7);
}
