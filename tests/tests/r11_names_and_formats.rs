//! Aliases of fields and variants are accepted, formats are enforced, and what only types detect is reported together (r11).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Mutex;

use common::{World, on_every_store, pointers_and_codes, reaches, until};
use enact::prelude::*;
use enact::store::NewJob;
use enact::{JobId, JobKind, Json, Timestamp};
use serde_json::{Value, json};

#[value]
#[serde(rename_all = "camelCase")]
#[derive(Clone, Debug, PartialEq)]
struct Sum {
    #[serde(alias = "amount", alias = "sum")]
    in_cents: i64,
    #[serde(default, alias = "unit")]
    currency: Option<String>,
}

#[value]
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    #[serde(alias = "yep", alias = "y")]
    Yes,
    No,
    #[serde(alias = "later")]
    After {
        #[serde(alias = "d")]
        days: u8,
    },
}

#[value]
#[serde(tag = "kind", rename_all = "snake_case")]
#[derive(Clone, Debug, PartialEq)]
enum Means {
    #[serde(alias = "coins")]
    Cash,
    #[serde(alias = "CARD")]
    Card {
        #[serde(alias = "no")]
        number: String,
    },
    Sum(Sum),
    #[serde(other)]
    Unknown,
}

#[value]
#[serde(tag = "t", content = "c")]
#[derive(Clone, Debug, PartialEq)]
enum State {
    #[serde(alias = "opened")]
    Open(Sum),
    Closed,
}

/// Pay.
#[command]
#[derive(Clone, Debug, PartialEq)]
struct Pay {
    #[serde(flatten)]
    sum: Sum,
    #[serde(alias = "reply")]
    answer: Answer,
    by: Means,
    #[serde(default, alias = "status")]
    states: Vec<State>,
}

#[command]
async fn pay(pay: Pay) -> Result<Value, Failure> {
    Ok(serde_json::to_value(pay).unwrap())
}

/// It was paid.
#[event]
#[derive(Clone)]
struct Paid {
    #[serde(alias = "amount")]
    cents: i64,
    #[serde(alias = "means")]
    by: Means,
}

#[event_handler]
async fn note(paid: Paid, log: Arc<Mutex<Vec<i64>>>) {
    log.lock().unwrap().push(paid.cents);
}

/// Invite a guest.
#[command]
struct Invite {
    #[schemars(email)]
    address: String,
    #[schemars(url)]
    picture: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    #[schemars(extend("format" = "ipv4"))]
    from: Option<String>,
    #[schemars(extend("format" = "no such format"))]
    free: Option<String>,
    id: Option<uuid::Uuid>,
    at: Option<Timestamp>,
    day: Option<jiff::civil::Date>,
    span: Option<jiff::Span>,
}

#[command]
async fn invite(_: Invite) {}

/// An even number.
#[value]
#[serde(try_from = "i64")]
struct Even(i64);

impl TryFrom<i64> for Even {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        if number % 2 == 0 { Ok(Self(number)) } else { Err(format!("{number} is odd")) }
    }
}

#[value]
struct Line {
    even: Even,
    small: i32,
}

/// Take what only types know.
#[command]
struct Take {
    id: uuid::Uuid,
    price: rust_decimal_of_enact::Decimal,
    at: Timestamp,
    even: Even,
    lines: Vec<Line>,
    pair: Option<(Even, Even)>,
    #[schemars(length(min = 1))]
    name: String,
}

#[command]
async fn take(_: Take) {}

/// A decimal number, as the crate `rust_decimal` has it: its text is refused by the type alone.
mod rust_decimal_of_enact {
    use enact::prelude::*;

    #[value]
    #[serde(try_from = "String")]
    pub(crate) struct Decimal(String);

    impl TryFrom<String> for Decimal {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, Self::Error> {
            text.parse::<f64>().map(|_| Self(text)).map_err(|_| "not a decimal")
        }
    }
}

async fn start(world: &World) -> (Runtime, Arc<Mutex<Vec<i64>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    (world.builder().provide(log.clone()).start().await.unwrap(), log)
}

fn forms() -> [(Value, Value); 4] {
    let canonical = |answer: Value, by: Value, states: Value| json!({ "inCents": 5, "currency": "EUR", "answer": answer, "by": by, "states": states });
    [
        (
            json!({ "amount": 5, "unit": "EUR", "reply": "yep", "by": { "kind": "coins" } }),
            canonical(json!("Yes"), json!({ "kind": "cash" }), json!([])),
        ),
        (
            json!({ "sum": 5, "currency": "EUR", "answer": "y", "by": { "kind": "CARD", "no": "1" }, "status": [{ "t": "opened", "c": { "amount": 1 } }] }),
            canonical(
                json!("Yes"),
                json!({ "kind": "card", "number": "1" }),
                json!([{ "t": "Open", "c": { "inCents": 1, "currency": null } }]),
            ),
        ),
        (
            json!({ "inCents": 5, "unit": "EUR", "answer": { "later": { "d": 2 } }, "by": { "kind": "sum", "sum": 7 }, "states": [{ "t": "Closed" }] }),
            canonical(
                json!({ "After": { "days": 2 } }),
                json!({ "kind": "sum", "inCents": 7, "currency": null }),
                json!([{ "t": "Closed" }]),
            ),
        ),
        (
            json!({ "amount": 5, "unit": "EUR", "answer": "No", "by": { "kind": "added in a newer program" } }),
            canonical(json!("No"), json!({ "kind": "unknown" }), json!([])),
        ),
    ]
}

async fn r11_aliases_of_fields_and_variants_are_accepted_at_the_boundary(world: World) {
    let (runtime, log) = start(&world).await;
    for (aliased, canonical) in forms() {
        assert_eq!(runtime.execute_json("Pay", aliased.clone()).await.unwrap(), canonical, "{aliased}");
        let typed: Pay = serde_json::from_value(aliased).unwrap();
        assert_eq!(runtime.execute(typed).await.unwrap(), canonical);
    }
    runtime.emit_json("Paid", json!({ "amount": 7, "means": { "kind": "CARD", "no": "1" } })).await.unwrap();
    until("the event is handled", async || *log.lock().unwrap() == [7]).await;
}

async fn r11_aliases_are_accepted_from_the_store(world: World) {
    let [(aliased, canonical), ..] = forms();
    let id: JobId = uuid::Uuid::now_v7().to_string().parse().unwrap();
    let job = NewJob::new(id, JobKind::Command, "Pay", Json::from_text(aliased.to_string()), world.now());
    world.store().submit(Vec::new(), vec![job]).await.unwrap();
    let (runtime, _) = start(&world).await;
    let done = reaches(&runtime, id, JobState::Succeeded).await;
    assert_eq!(done.output.unwrap().value().unwrap(), canonical);
}

async fn r11_a_field_is_required_by_one_of_its_names(world: World) {
    let (runtime, _) = start(&world).await;
    let [(valid, _), ..] = forms();
    let mut without = valid.clone();
    without.as_object_mut().unwrap().remove("amount");
    without["by"] = json!({ "kind": "card" });
    let refusal = runtime.execute_json("Pay", without).await.unwrap_err();
    let mut found = pointers_and_codes(&refusal);
    found.sort_unstable();
    assert_eq!(found, [("/by/number", "required"), ("/inCents", "required")], "{refusal}");

    let mut unknown = valid.clone();
    unknown["Amount"] = json!(5);
    unknown["answer"] = json!("yeah");
    let refusal = runtime.execute_json("Pay", unknown).await.unwrap_err();
    assert!(pointers_and_codes(&refusal).iter().any(|found| found.0 == "/Amount"), "{refusal}");
    assert!(pointers_and_codes(&refusal).iter().any(|found| found.0 == "/answer"), "{refusal}");

    let mut twice = valid;
    twice["inCents"] = json!(6);
    let refusal = runtime.execute_json("Pay", twice).await.unwrap_err();
    assert_eq!(refusal.kind(), FailureKind::Invalid);
}

async fn r11_formats_are_enforced(world: World) {
    let (runtime, _) = start(&world).await;
    let valid = json!({
        "address": "ada@example.org", "picture": "https://example.org/a?b=c#d", "until": "2030-01-01T00:00:00+01:00", "from": "10.0.0.1",
        "free": "anything", "id": "67e5504410b1426f9247bb680e5fe0c8", "at": "2030-01-01T00:00:00.5Z", "day": "2030-02-28", "span": "PT1.5S",
    });
    runtime.execute_json("Invite", valid.clone()).await.unwrap();
    let wrong = [
        ("address", "no address"),
        ("picture", "::::"),
        ("until", "yesterday"),
        ("from", "10.0.0.256"),
        ("id", "7"),
        ("at", "2030-01-01"),
        ("day", "2030-02-30"),
        ("span", "long"),
    ];
    for (field, text) in wrong {
        let mut payload = valid.clone();
        payload[field] = json!(text);
        let refusal = runtime.execute_json("Invite", payload).await.unwrap_err();
        assert_eq!(pointers_and_codes(&refusal), [(&*format!("/{field}"), "format")], "{refusal}");
    }
}

async fn r11_what_only_types_detect_is_reported_together(world: World) {
    let (runtime, _) = start(&world).await;
    let all = json!({
        "id": "x", "price": "abc", "at": "yesterday", "even": 7, "name": "", "pair": [2, 3],
        "lines": [{ "even": 2, "small": 1 }, { "even": 1, "small": 3_000_000_000_u64 }, { "even": "two", "small": 1 }],
    });
    let refusal = runtime.execute_json("Take", all).await.unwrap_err();
    let mut found = pointers_and_codes(&refusal);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("/at", "format"),
            ("/even", "unreadable"),
            ("/id", "format"),
            ("/lines/1/even", "unreadable"),
            ("/lines/1/small", "unreadable"),
            ("/lines/2/even", "type"),
            ("/name", "minLength"),
            ("/pair/1", "unreadable"),
            ("/price", "unreadable"),
        ],
        "{refusal}"
    );
    let valid = json!({ "id": uuid::Uuid::nil(), "price": "1.5", "at": "2030-01-01T00:00:00Z", "even": 2, "name": "n", "lines": [] });
    runtime.execute_json("Take", valid.clone()).await.unwrap();
    let mut two = valid;
    two["price"] = json!("abc");
    two["even"] = json!(3);
    let refusal = runtime.execute_json("Take", two).await.unwrap_err();
    assert_eq!(pointers_and_codes(&refusal), [("/even", "unreadable"), ("/price", "unreadable")]);
}

on_every_store!(
    r11_aliases_of_fields_and_variants_are_accepted_at_the_boundary,
    r11_aliases_are_accepted_from_the_store,
    r11_a_field_is_required_by_one_of_its_names,
    r11_formats_are_enforced,
    r11_what_only_types_detect_is_reported_together,
);
