//! A domain in two crates, one of which handles the other's events. This program names only the handling crate
//! (`use shop_billing as _`); the other one is linked as its dependency.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, jobs_of, on_every_store, reaches, until};
use enact::prelude::*;
use serde_json::json;
use shop_billing as _;

async fn start(world: &World) -> Runtime {
    world.builder().start().await.unwrap()
}

async fn r50_a_named_crate_is_linked_together_with_the_crates_it_names(world: World) {
    let shop = start(&world).await;
    let commands: Vec<_> = shop.wiring().commands.iter().map(|command| command.name).collect();
    assert_eq!(commands, ["Bill", "CancelOrder", "PlaceOrder"]);
    let handlers = &shop.wiring().event("OrderPlaced").unwrap().handlers;
    assert_eq!(handlers.iter().map(|handler| handler.name).collect::<Vec<_>>(), ["bill_order"]);
    assert_eq!(handlers[0].handler.publishes, ["Bill", "CancelOrder"]);
    let source = handlers[0].handler.source;
    assert!(source.file.ends_with("crates/shop-billing/src/lib.rs"), "{source}");
}

async fn r50_events_of_one_crate_are_handled_in_another(world: World) {
    let shop = start(&world).await;
    shop.execute_json("PlaceOrder", json!({ "order": "o-1", "cents": 5 })).await.unwrap();
    shop.execute_json("PlaceOrder", json!({ "order": "o-2", "cents": 0 })).await.unwrap();
    for name in ["Bill", "CancelOrder"] {
        until("the event was handled", async || jobs_of(&shop, name).await.len() == 1).await;
        let job = jobs_of(&shop, name).await.remove(0);
        reaches(&shop, job.id, JobState::Succeeded).await;
    }
}

async fn r50_an_invariant_checks_an_entity_of_another_crate(world: World) {
    let shop = start(&world).await;
    let failure = shop.execute_json("PlaceOrder", json!({ "order": "o-3", "cents": 1_000_001 })).await;
    assert_eq!(failure.unwrap_err().code(), "billable");
}

on_every_store! {
    r50_a_named_crate_is_linked_together_with_the_crates_it_names,
    r50_events_of_one_crate_are_handled_in_another,
    r50_an_invariant_checks_an_entity_of_another_crate,
}
