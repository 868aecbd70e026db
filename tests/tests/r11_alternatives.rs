//! What is refused in an enum or a flattened part is reported where it is wrong (r11).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, on_every_store, until};
use enact::prelude::*;
use serde_json::{Value, json};

#[value]
struct Card {
    number: String,
    limit: Option<u32>,
}

/// A way to pay.
#[value]
#[serde(tag = "kind")]
enum Means {
    Cash,
    Card(Card),
    Cheque { bank: String },
}

#[value]
enum External {
    Nothing,
    Card(Card),
}

/// Pay.
#[command]
struct Pay {
    cents: i64,
    by: Option<Means>,
    ways: Vec<External>,
    #[serde(flatten)]
    also: Means,
}

#[command]
async fn pay(_: Pay) {}

/// It was paid.
#[event]
struct Paid {
    by: Means,
    ways: Vec<External>,
    #[serde(flatten)]
    also: Means,
}

#[event_handler]
async fn paid(_: Paid) {}

fn valid() -> Value {
    json!({ "cents": 1, "by": { "kind": "Card", "number": "1" }, "ways": ["Nothing", { "Card": { "number": "2" } }], "kind": "Cash" })
}

async fn r11_a_violation_inside_an_alternative_is_reported_at_its_pointer(world: World) {
    let runtime = world.builder().start().await.unwrap();
    runtime.execute_json("Pay", valid()).await.unwrap();
    let number = |value: Value| json!({ "kind": "Card", "number": value });
    for (place, value, expected) in [
        ("/by", number(json!(7)), vec![("/by/number", "type")]),
        ("/by", json!({ "kind": "Card" }), vec![("/by/number", "required")]),
        ("/by", json!({ "kind": "Gold" }), vec![("/by/kind", "enum")]),
        ("/by", json!({ "number": "1" }), vec![("/by/kind", "required")]),
        ("/by", json!({ "kind": "Cash", "bank": "b" }), vec![("/by/bank", "additionalProperties")]),
        (
            "/by",
            json!({ "kind": "Card", "number": 7, "limit": "x", "bank": "b" }),
            vec![("/by/bank", "unevaluatedProperties"), ("/by/limit", "type"), ("/by/number", "type")],
        ),
        ("/by", json!(7), vec![("/by", "anyOf")]),
        ("/ways/0", json!("Something"), vec![("/ways/0", "enum")]),
        ("/ways/1/Card", json!({ "number": 7 }), vec![("/ways/1/Card/number", "type")]),
        (
            "/ways/1/Card",
            json!({ "number": "7", "bank": "" }),
            vec![("/ways/1/Card/bank", "additionalProperties")],
        ),
        ("/kind", json!("Cheque"), vec![("/bank", "required")]),
        ("/kind", json!("Gold"), vec![("/kind", "enum")]),
    ] {
        let mut payload = valid();
        *payload.pointer_mut(place).unwrap() = value;
        let refusal = runtime.execute_json("Pay", payload.clone()).await.unwrap_err();
        let mut found = common::pointers_and_codes(&refusal);
        found.sort_unstable();
        assert_eq!(found, expected, "{payload}: {refusal}");
    }
}

async fn r11_the_fields_of_the_alternative_that_is_meant_are_listed(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for (place, fields) in [
        ("/by", "the fields are `kind`, `limit`, `number`"),
        ("/ways/1/Card", "the fields are `limit`, `number`"),
        ("", "the fields are `by`, `cents`, `kind`, `ways`"),
    ] {
        let mut payload = valid();
        payload.pointer_mut(place).unwrap()["colour"] = json!("red");
        let refusal = runtime.execute_json("Pay", payload).await.unwrap_err();
        let [violation] = refusal.violations() else { panic!("{refusal}") };
        assert_eq!(violation.pointer(), Some(&*format!("{place}/colour")));
        assert!(violation.message().ends_with(fields), "{violation:?}");
    }
    let mut payload = valid();
    payload["by"]["kind"] = json!("Gold");
    let refusal = runtime.execute_json("Pay", payload).await.unwrap_err();
    assert!(refusal.to_string().ends_with("expected one of `Cash`, `Card`, `Cheque`"), "{refusal}");
}

async fn r11_unknown_fields_of_an_event_are_ignored_in_every_part(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let mut payload = valid();
    payload.as_object_mut().unwrap().remove("cents");
    for place in ["", "/by", "/ways/1/Card"] {
        payload.pointer_mut(place).unwrap()["later"] = json!(1);
    }
    runtime.emit_json("Paid", payload).await.unwrap();
    until("the event is handled", async || {
        let counts = runtime.jobs().count().await.unwrap();
        counts.iter().any(|count| &*count.name == "paid" && count.state == JobState::Succeeded)
    })
    .await;
}

on_every_store!(
    r11_a_violation_inside_an_alternative_is_reported_at_its_pointer,
    r11_the_fields_of_the_alternative_that_is_meant_are_listed,
    r11_unknown_fields_of_an_event_are_ignored_in_every_part,
);
