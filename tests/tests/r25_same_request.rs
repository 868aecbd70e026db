//! What makes two requests the same (r25): the value of the command, not its text.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};

use common::{World, jobs_of, on_every_store, reaches};
use enact::prelude::*;
use enact::store::NewJob;
use enact::{JobKind, Json, Key};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[value]
#[derive(Clone, PartialEq, Eq, Hash)]
struct Tag(String);

#[value]
#[derive(Clone)]
struct Tags(HashSet<Tag>);

#[value]
#[serde(tag = "kind")]
#[derive(Clone)]
enum Contents {
    Loose { tags: HashSet<Tag> },
    Ordered { tags: Vec<Tag> },
}

#[value]
#[serde(untagged)]
#[derive(Clone)]
enum Either {
    List(Vec<u8>),
    Set(HashSet<u8>),
}

/// A value that cannot be read, nor refused.
#[derive(Clone, Serialize, schemars::JsonSchema)]
struct Trap(String);

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        assert_ne!(text, "trap", "this test panics while it reads");
        Ok(Self(text))
    }
}

/// Label a parcel.
#[command(idempotency_key = request)]
#[derive(Clone)]
struct Label {
    request: String,
    #[serde(default)]
    tags: HashSet<String>,
    #[serde(default)]
    newtype: Option<Tags>,
    #[serde(default)]
    by_name: HashMap<String, HashSet<Tag>>,
    #[serde(default)]
    weights: HashMap<String, f64>,
    #[serde(default)]
    contents: Vec<Contents>,
    #[serde(default)]
    either: Option<Either>,
    #[serde(default)]
    list: Vec<String>,
    #[serde(default = "seven", alias = "priority")]
    urgency: u64,
    note: Option<String>,
    #[serde(default)]
    any: Value,
    #[serde(default)]
    trap: Option<Trap>,
    #[serde(flatten)]
    others: HashMap<String, HashSet<u8>>,
}

fn seven() -> u64 {
    7
}

#[command]
async fn label(_: Label) {}

/// Label a parcel, from a handler.
#[command]
struct Stick {
    request: String,
}

#[command]
async fn stick(stick: Stick) {
    publish(full(&stick.request));
}

fn texts() -> impl Iterator<Item = String> {
    (0..20).map(|number| number.to_string())
}

/// A command whose sets and maps are in another order each time.
fn full(request: &str) -> Label {
    let tags = || texts().map(Tag).collect::<HashSet<_>>();
    Label {
        request: request.to_owned(),
        tags: texts().collect(),
        newtype: Some(Tags(tags())),
        by_name: texts().map(|name| (name, tags())).collect(),
        weights: texts().map(|name| (name, 1.0)).collect(),
        contents: vec![
            Contents::Loose { tags: tags() },
            Contents::Ordered { tags: texts().map(Tag).collect() },
        ],
        either: None,
        list: texts().collect(),
        urgency: u64::MAX,
        note: None,
        any: json!({ "b": 1, "a": 2.5 }),
        trap: None,
        others: texts().map(|name| (format!("other {name}"), (0..20).collect())).collect(),
    }
}

async fn r25_equal_commands_are_one_request(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let first = runtime.publish(full("r")).await.unwrap().id();
    for _ in 0..5 {
        assert_eq!(runtime.publish(full("r")).await.unwrap().id(), first);
    }
    runtime.execute(full("r")).await.unwrap();
    let of_one_call = [runtime.publish(full("s")), runtime.publish(full("s"))];
    let [one, other] =
        <[_; 2]>::try_from(runtime.publish_all(of_one_call).await).unwrap_or_else(|_| panic!("two results"));
    assert_eq!(one.unwrap().id(), other.unwrap().id());
    runtime.execute(Stick { request: "r".to_owned() }).await.unwrap();
    assert_eq!(jobs_of(&runtime, "Label").await.len(), 2);
}

async fn r25_forms_of_one_command_are_one_request(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let forms = [
        vec![
            json!({}),
            json!({ "tags": [], "weights": {}, "note": null, "urgency": 7, "any": null }),
            json!({ "priority": 7, "list": [] }),
        ],
        vec![json!({ "urgency": 1 }), json!({ "priority": 1 })],
        vec![json!({ "weights": { "x": 1, "y": 0 } }), json!({ "weights": { "y": -0.0, "x": 1.0 } })],
        vec![
            json!({ "any": { "a": [1, { "c": 2.0, "b": 10 }] } }),
            json!({ "any": { "a": [1.0, { "b": 1e1, "c": 2 }] } }),
        ],
        vec![
            json!({ "tags": ["a", "b"] }),
            json!({ "tags": ["b", "a"] }),
            json!({ "tags": ["b", "a", "b"] }),
        ],
        vec![
            json!({ "by_name": { "x": ["a", "b"], "y": ["c"] } }),
            json!({ "by_name": { "y": ["c"], "x": ["b", "a"] } }),
        ],
        vec![json!({ "newtype": ["a", "b"] }), json!({ "newtype": ["b", "a"] })],
        vec![
            json!({ "contents": [{ "kind": "Loose", "tags": ["a", "b"] }] }),
            json!({ "contents": [{ "tags": ["b", "a"], "kind": "Loose" }] }),
        ],
        vec![json!({ "other": [1, 2] }), json!({ "other": [2, 1] })],
    ];
    for (number, forms) in forms.into_iter().enumerate() {
        let mut ids = HashSet::new();
        for form in &forms {
            let mut payload = form.clone();
            payload["request"] = json!(format!("r{number}"));
            let is_duplicate_in_set = form == &json!({ "tags": ["b", "a", "b"] });
            match runtime.publish_json("Label", payload).await {
                Ok(job) => drop(ids.insert(job.id())),
                // The schema refuses it.
                Err(refusal) => assert!(is_duplicate_in_set, "{refusal}"),
            }
        }
        assert_eq!(ids.len(), 1, "{forms:?}");
    }
}

async fn r25_different_commands_are_different_requests(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for (number, (one, other)) in [
        (json!({ "list": ["a", "b"] }), json!({ "list": ["b", "a"] })),
        (json!({ "tags": ["a", "b"] }), json!({ "tags": ["a", "c"] })),
        (json!({ "tags": ["a", "b"] }), json!({ "tags": ["a"] })),
        (json!({ "tags": [] }), json!({ "newtype": [] })),
        (json!({ "urgency": u64::MAX }), json!({ "urgency": u64::MAX - 1 })),
        (json!({ "any": i64::MIN }), json!({ "any": i64::MIN + 1 })),
        (json!({ "any": 9_007_199_254_740_993_u64 }), json!({ "any": 9_007_199_254_740_992.0 })),
        (json!({ "any": 1 }), json!({ "any": "1" })),
        (json!({ "any": 0 }), json!({ "any": null })),
        (json!({ "any": [1, 2] }), json!({ "any": [2, 1] })),
        (json!({ "any": { "a": 1 } }), json!({ "any": { "a": 1, "b": null } })),
        (json!({ "weights": { "x": 1.0 } }), json!({ "weights": { "x": 1.5 } })),
        (
            json!({ "contents": [{ "kind": "Ordered", "tags": ["a", "b"] }] }),
            json!({ "contents": [{ "kind": "Ordered", "tags": ["b", "a"] }] }),
        ),
        (json!({ "either": [1, 2] }), json!({ "either": [2, 1] })),
        (json!({ "note": null }), json!({ "note": "" })),
        (json!({}), json!({ "urgency": 8 })),
    ]
    .into_iter()
    .enumerate()
    {
        let [one, other] = [one, other].map(|mut payload| {
            payload["request"] = json!(format!("r{number}"));
            payload
        });
        let first = runtime.publish_json("Label", one.clone()).await.unwrap().id();
        let mismatch = runtime.publish_json("Label", other.clone()).await.unwrap_err();
        assert_eq!(mismatch.kind(), FailureKind::IdempotencyMismatch, "{one} {other}");
        assert!(mismatch.message().contains(&first.to_string()), "{mismatch}");
    }
}

/// Stores a request with this payload, as another version of the program did.
async fn stored(world: &World, id: &str, request: &str, payload: &str) {
    let payload = Json::from_text(payload);
    let mut job = NewJob::new(id.parse().unwrap(), JobKind::Command, "Label", payload, world.now());
    job.idempotency_key = Key::of(request);
    world.store().submit(Vec::new(), vec![job]).await.unwrap();
}

async fn r25_a_payload_that_cannot_be_read_is_compared_as_json(world: World) {
    let [old, trap] = [(); 2].map(|()| uuid::Uuid::now_v7().to_string());
    stored(&world, &old, "old", r#"{"request":"old","urgency":"high"}"#).await;
    stored(&world, &trap, "trap", r#"{"request":"trap","trap":"trap"}"#).await;
    let runtime = world.builder().start().await.unwrap();
    for request in ["old", "trap", "trap"] {
        let mismatch = runtime.publish_json("Label", json!({ "request": request })).await.unwrap_err();
        assert_eq!(mismatch.kind(), FailureKind::IdempotencyMismatch, "{mismatch}");
    }
    // The store serves others as before.
    let job = runtime.publish_json("Label", json!({ "request": "new" })).await.unwrap().id();
    reaches(&runtime, job, JobState::Succeeded).await;
}

on_every_store!(
    r25_equal_commands_are_one_request,
    r25_forms_of_one_command_are_one_request,
    r25_different_commands_are_different_requests,
    r25_a_payload_that_cannot_be_read_is_compared_as_json,
);

#[test]
fn r25_the_key_of_a_struct_does_not_depend_on_the_order_of_its_fields() {
    #[derive(Serialize)]
    struct Place {
        shelf: u8,
        aisle: Option<(u8, Side)>,
    }
    #[derive(Serialize)]
    struct Turned {
        aisle: Option<(u8, Side)>,
        shelf: u8,
    }
    #[derive(Serialize)]
    struct Side {
        wall: bool,
        left: bool,
    }
    let side = || Side { wall: true, left: false };
    let expected = Key::from_text(r#"{"aisle":[1,{"left":false,"wall":true}],"shelf":2}"#);
    assert_eq!(Key::of(&Place { shelf: 2, aisle: Some((1, side())) }).as_ref(), Some(&expected));
    assert_eq!(Key::of(&Turned { shelf: 2, aisle: Some((1, side())) }).as_ref(), Some(&expected));
    let map: BTreeMap<_, _> = [("b", 1), ("a", 2)].into();
    assert_eq!(Key::of(&HashMap::from([("b", 1), ("a", 2)])), Key::of(&map));
}
