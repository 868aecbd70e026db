//! The constraints of fields hold whatever the schemas of their types look like (r11).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashMap;

use common::{World, on_every_store, pointers_and_codes};
use enact::prelude::*;
use serde_json::{Value, json};

const MOST: i64 = 100;

#[value]
struct Cents(i64);

#[value]
struct Name(String);

#[value]
struct Names(Vec<Name>);

/// Order something.
#[command]
struct Order {
    #[schemars(range(min = 1, max = MOST))]
    cents: Cents,
    #[schemars(range(min = 1))]
    tip: Option<Cents>,
    #[schemars(length(min = 1, max = 3))]
    name: Name,
    #[schemars(pattern("^a"))]
    pattern: Option<Name>,
    #[schemars(contains("a.b"))]
    contained: Option<Name>,
    #[schemars(length(max = 2), inner(length(max = 3)))]
    names: Option<Names>,
    #[schemars(inner(range(min = 1)))]
    prices: Vec<Cents>,
    #[schemars(length(max = 1))]
    map: HashMap<String, i64>,
    #[schemars(email)]
    address: Option<Name>,
}

#[command]
async fn order(_: Order) {}

fn valid() -> Value {
    json!({
        "cents": 100, "tip": null, "name": "abc", "pattern": "a", "contained": "xa.by", "names": ["abc", "d"], "prices": [1, 2],
        "map": { "a": 1 }, "address": "ada@example.org",
    })
}

async fn r11_a_constraint_holds_for_a_newtype(world: World) {
    let runtime = world.builder().start().await.unwrap();
    runtime.execute_json("Order", valid()).await.unwrap();
    for (field, value, at, code) in [
        ("cents", json!(0), "/cents", "minimum"),
        ("cents", json!(101), "/cents", "maximum"),
        ("tip", json!(0), "/tip", "minimum"),
        ("name", json!(""), "/name", "minLength"),
        ("name", json!("abcd"), "/name", "maxLength"),
        ("pattern", json!("b"), "/pattern", "pattern"),
        ("contained", json!("axb"), "/contained", "pattern"),
        ("names", json!(["a", "b", "c"]), "/names", "maxItems"),
        ("names", json!(["a", "abcd"]), "/names/1", "maxLength"),
        ("prices", json!([1, 0]), "/prices/1", "minimum"),
        ("map", json!({ "a": 1, "b": 2 }), "/map", "maxProperties"),
        ("address", json!("ada"), "/address", "format"),
    ] {
        let mut payload = valid();
        payload[field] = value;
        let refusal = runtime.execute_json("Order", payload).await.unwrap_err();
        assert_eq!(pointers_and_codes(&refusal), [(at, code)], "{refusal}");
    }
    let command = Order { cents: Cents(0), ..serde_json::from_value(valid()).unwrap() };
    let refusal = runtime.execute(command).await.unwrap_err();
    assert_eq!(pointers_and_codes(&refusal), [("/cents", "minimum")]);
}

on_every_store!(r11_a_constraint_holds_for_a_newtype);
