//! An empty key is refused: as an idempotency key (r25), and as the key of a lane (r26).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, jobs, jobs_of, kind_and_code, on_every_store, pointers_and_codes, reaches};
use enact::prelude::*;
use serde_json::json;

/// Order something.
#[command(idempotency_key = request, order_by = customer)]
#[derive(Clone)]
struct Order {
    request: Option<String>,
    customer: Option<String>,
}

#[command(retry = Retry::fixed(3, Duration::from_secs(1)))]
async fn order(_: Order) {}

/// Order something, from a handler.
#[command]
struct Arrange {
    by_field: bool,
    is_lane: bool,
}

#[command(retry = Retry::fixed(3, Duration::from_secs(1)))]
async fn arrange(arrange: Arrange) {
    match (arrange.by_field, arrange.is_lane) {
        (true, false) => drop(publish(of("", "c"))),
        (true, true) => drop(publish(of("r", ""))),
        (false, false) => drop(publish(of("r", "c")).idempotency_key("")),
        (false, true) => drop(publish(of("r", "c")).ordered_by("")),
    }
}

#[entity]
struct Room {
    id: String,
}

impl From<&Open> for Room {
    fn from(open: &Open) -> Self {
        Self { id: open.room.clone() }
    }
}

/// Open a room.
#[command(target = room)]
struct Open {
    room: String,
}

#[command(create = if_missing)]
async fn open(_: Open, _room: &mut Room) {}

fn of(request: &str, customer: &str) -> Order {
    Order { request: Some(request.to_owned()), customer: Some(customer.to_owned()) }
}

async fn r25_an_empty_key_is_refused_at_the_boundary(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let json = json!({ "request": "", "customer": "c" });
    let [request, customer, both] = ["/request", "/customer", ""];
    let refused = [
        (request, runtime.publish(of("", "c")).await.map(|_| ())),
        (request, runtime.execute(of("", "c")).await),
        (request, runtime.publish_json("Order", json.clone()).await.map(|_| ())),
        (request, runtime.execute_json("Order", json).await.map(|_| ())),
        (customer, runtime.publish(of("r", "")).await.map(|_| ())),
        (both, runtime.publish(of("r", "c")).idempotency_key("").await.map(|_| ())),
        (both, runtime.execute(of("r", "c")).idempotency_key("").await),
        (both, runtime.publish(of("r", "c")).ordered_by("").await.map(|_| ())),
    ];
    for (pointer, refused) in refused {
        let refusal = refused.unwrap_err();
        assert_eq!(refusal.kind(), FailureKind::Invalid, "{refusal}");
        assert_eq!(pointers_and_codes(&refusal), [(pointer, "empty_key")], "{refusal}");
        assert!(refusal.to_string().contains("`None`"), "{refusal}");
    }
    let all = runtime.publish_all([runtime.publish(of("", "c")), runtime.publish(of("r", "c"))]).await;
    assert!(all[0].is_err() && all[1].is_ok());
    assert_eq!(jobs(&runtime).await.len(), 1);
}

async fn r25_no_key_and_one_in_place_of_an_empty_one_are_accepted(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for _ in 0..2 {
        runtime.publish(Order { request: None, customer: None }).await.unwrap();
    }
    runtime.publish(of("", "")).idempotency_key("r").ordered_by("c").await.unwrap();
    runtime.publish(of(" ", " ")).await.unwrap();
    assert_eq!(jobs(&runtime).await.len(), 4);
}

async fn r25_an_empty_key_of_a_staged_command_fails_the_attempt(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for (by_field, is_lane) in [(true, false), (true, true), (false, false), (false, true)] {
        let failure = runtime.execute(Arrange { by_field, is_lane }).await.unwrap_err();
        assert_eq!(kind_and_code(&failure).0, FailureKind::Invalid, "{failure}");
        assert_eq!(failure.violations()[0].code(), "empty_key", "{failure}");
    }
    let all = jobs_of(&runtime, "Arrange").await;
    assert!(all.iter().all(|job| job.state == JobState::Failed && job.attempts == 1));
    assert!(jobs_of(&runtime, "Order").await.is_empty());
}

async fn r25_the_id_of_an_entity_is_the_domains_own_and_may_be_empty(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let job = runtime.publish(Open { room: String::new() }).await.unwrap().id();
    reaches(&runtime, job, JobState::Succeeded).await;
    assert!(runtime.entities::<Room>().get(&String::new()).await.unwrap().is_some());
}

on_every_store!(
    r25_an_empty_key_is_refused_at_the_boundary,
    r25_no_key_and_one_in_place_of_an_empty_one_are_accepted,
    r25_an_empty_key_of_a_staged_command_fails_the_attempt,
    r25_the_id_of_an_entity_is_the_domains_own_and_may_be_empty,
);
