//! All input is validated by its schema. All violations are reported together, and a refused command becomes no job (r11).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{World, jobs, kind_and_code, on_every_store, pointers_and_codes, reaches, until};
use enact::Cursor;
use enact::prelude::*;
use enact::store::NewJob;
use enact::{JobId, JobKind, Json, Step};
use serde_json::{Value, json};

/// The number of handler runs.
#[derive(Default)]
struct Runs(AtomicUsize);

/// A line of an order.
#[value]
#[derive(Clone)]
struct Line {
    item: String,
    #[schemars(range(min = 1))]
    count: u32,
}

/// How an order is sent.
#[value]
#[serde(rename_all = "snake_case")]
#[derive(Clone)]
enum Shipping {
    Post,
    Courier,
}

/// Order something.
#[command]
#[derive(Clone)]
struct Order {
    #[schemars(length(min = 1, max = 20))]
    customer: String,
    lines: Vec<Line>,
    priority: i64,
    shipping: Option<Shipping>,
    /// Anything.
    #[serde(default)]
    extra: Value,
}

#[command]
async fn order(order: Order, runs: Arc<Runs>) -> Result<Value, Failure> {
    runs.0.fetch_add(1, Ordering::SeqCst);
    Ok(json!([
        order.customer,
        order.lines.len(),
        order.priority,
        order.shipping.is_some(),
        order.extra.is_null()
    ]))
}

/// A command without fields.
#[command(name = "poke")]
struct Poke {}

#[command]
async fn poke(_: Poke) {}

/// An order has been seen.
#[event]
struct Seen {
    #[schemars(range(min = 1))]
    number: i64,
}

#[event_handler]
async fn sees(_: Seen, runs: Arc<Runs>) {
    runs.0.fetch_add(1, Ordering::SeqCst);
}

/// A shelf whose number is optional.
#[entity]
struct Shelf {
    id: Option<u32>,
}

/// Bind a shelf.
#[command(target = shelf)]
struct Touch {
    shelf: Option<u32>,
}

#[command(create = if_missing)]
async fn touch(_: Touch, _shelf: &mut Shelf, runs: Arc<Runs>) {
    runs.0.fetch_add(1, Ordering::SeqCst);
}

impl From<&Touch> for Shelf {
    fn from(touch: &Touch) -> Self {
        Self { id: touch.shelf }
    }
}

/// Target a shelf without binding it.
#[command(target = shelf)]
struct Glance {
    shelf: Option<u32>,
}

#[command(stateless)]
async fn glance(_: Glance) {}

/// Publish a `Touch` without a target from a handler.
#[command(name = "reach")]
struct Reach {}

#[command]
async fn reach(_: Reach) {
    publish(Touch { shelf: None });
}

async fn start(world: &World) -> (Runtime, Arc<Runs>) {
    let runs = Arc::new(Runs::default());
    (world.builder().provide::<Runs>(runs.clone()).start().await.unwrap(), runs)
}

fn valid() -> Value {
    json!({ "customer": "ada", "lines": [{ "item": "tea", "count": 2 }], "priority": 1, "shipping": "post", "extra": null })
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut order = valid();
    order[field] = value.into();
    order
}

/// Asserts that `publish` and `execute` refuse a payload with the same failure and store no job.
async fn refused(runtime: &Runtime, runs: &Runs, name: &str, payload: Value) -> Failure {
    let published = runtime.publish_json(name, payload.clone()).await.unwrap_err();
    let executed = runtime.execute_json(name, payload).await.unwrap_err();
    assert_eq!(published, executed);
    assert!(jobs(runtime).await.is_empty(), "a job is stored");
    assert_eq!(runs.0.load(Ordering::SeqCst), 0);
    published
}

async fn r11_a_valid_command_passes_by_name_and_by_type(world: World) {
    let (runtime, runs) = start(&world).await;
    let output = runtime.execute_json("Order", valid()).await.unwrap();
    assert_eq!(output, json!(["ada", 1, 1, true, true]));
    let typed: Order = serde_json::from_value(valid()).unwrap();
    assert_eq!(runtime.execute(typed).await.unwrap(), output);
    runtime.execute_json("poke", json!({})).await.unwrap();
    assert_eq!(runs.0.load(Ordering::SeqCst), 2);
}

async fn r11_the_failure_for_an_unknown_name_lists_the_known_names(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "order", valid()).await;
    assert_eq!(kind_and_code(&refusal), (FailureKind::UnknownName, "unknown_command"));
    assert_eq!(
        refusal.message(),
        "unknown command `order`: the commands are Glance, Order, Touch, poke, reach"
    );
}

async fn r11_an_event_cannot_be_published_as_a_command(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "Seen", json!({ "number": 1 })).await;
    assert_eq!(refusal.kind(), FailureKind::UnknownName);
}

async fn r11_the_failure_for_an_unknown_field_lists_the_known_fields(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "Order", with("prioritty", 1)).await;
    assert_eq!(kind_and_code(&refusal), (FailureKind::Invalid, "additionalProperties"));
    assert_eq!(pointers_and_codes(&refusal), [("/prioritty", "additionalProperties")]);
    let message = refusal.violations()[0].message();
    for field in ["`customer`", "`lines`", "`priority`", "`shipping`"] {
        assert!(message.contains(field), "{message}");
    }

    let refusal =
        refused(&runtime, &runs, "Order", with("lines", json!([{ "item": "tea", "count": 1, "a/b": 0 }])))
            .await;
    assert_eq!(pointers_and_codes(&refusal), [("/lines/0/a~1b", "additionalProperties")]);
    let message = refusal.violations()[0].message();
    assert!(message.contains("`count`, `item`") || message.contains("`item`, `count`"), "{message}");

    let refusal = refused(&runtime, &runs, "poke", json!({ "hard": true })).await;
    assert_eq!(pointers_and_codes(&refusal), [("/hard", "additionalProperties")]);
}

async fn r11_a_missing_field_is_reported_at_its_pointer(world: World) {
    let (runtime, runs) = start(&world).await;
    let mut payload = valid();
    payload.as_object_mut().unwrap().remove("customer");
    payload["lines"][0].as_object_mut().unwrap().remove("count");
    let refusal = refused(&runtime, &runs, "Order", payload).await;
    let mut pairs = pointers_and_codes(&refusal);
    pairs.sort_unstable();
    assert_eq!(pairs, [("/customer", "required"), ("/lines/0/count", "required")]);
}

async fn r11_a_wrong_type_is_reported_at_its_pointer(world: World) {
    let (runtime, runs) = start(&world).await;
    for (payload, pointer) in [
        (with("customer", 7), "/customer"),
        (with("lines", "none"), "/lines"),
        (with("lines", json!([1])), "/lines/0"),
        (with("priority", "high"), "/priority"),
        (with("priority", 1.5), "/priority"),
        (with("priority", Value::Null), "/priority"),
        (with("shipping", "pigeon"), "/shipping"),
        (json!([]), ""),
        (json!("Order"), ""),
        (Value::Null, ""),
    ] {
        let refusal = refused(&runtime, &runs, "Order", payload.clone()).await;
        assert_eq!(refusal.kind(), FailureKind::Invalid);
        assert_eq!(
            pointers_and_codes(&refusal).iter().map(|pair| pair.0).collect::<Vec<_>>(),
            [pointer],
            "{payload}"
        );
    }
}

async fn r11_a_number_out_of_the_range_of_the_schema_is_refused(world: World) {
    let (runtime, runs) = start(&world).await;
    let line = |count: Value| with("lines", json!([{ "item": "tea", "count": count }]));
    for count in [json!(0), json!(-1), json!(u64::MAX)] {
        let refusal = refused(&runtime, &runs, "Order", line(count.clone())).await;
        assert!(
            pointers_and_codes(&refusal).iter().all(|pair| pair.0 == "/lines/0/count"),
            "{count}: {refusal:?}"
        );
        assert!(!refusal.violations().is_empty());
    }
}

async fn r11_a_number_out_of_the_range_of_the_type_is_refused(world: World) {
    let (runtime, runs) = start(&world).await;
    for number in ["1e300", "99999999999999999999", "-99999999999999999999", "9223372036854775808"] {
        let number: Value = serde_json::from_str(number).unwrap();
        let refusal = refused(&runtime, &runs, "Order", with("priority", number.clone())).await;
        assert_eq!(refusal.kind(), FailureKind::Invalid);
        assert_eq!(pointers_and_codes(&refusal), [("/priority", "unreadable")], "{number}");
    }
    let least = runtime.execute_json("Order", with("priority", i64::MIN)).await.unwrap();
    assert_eq!(least[2], json!(i64::MIN));
}

async fn r11_all_violations_are_reported_together(world: World) {
    let (runtime, runs) = start(&world).await;
    let payload = json!({
        "customer": "",
        "lines": [{ "item": "tea", "count": 0 }, { "item": 5, "count": 1, "colour": "green" }],
        "shipping": "post",
        "extra": null,
        "nonsense": 1,
    });
    let refusal = refused(&runtime, &runs, "Order", payload).await;
    let mut pairs = pointers_and_codes(&refusal);
    pairs.sort_unstable();
    assert_eq!(
        pairs,
        [
            ("/customer", "minLength"),
            ("/lines/0/count", "minimum"),
            ("/lines/1/colour", "additionalProperties"),
            ("/lines/1/item", "type"),
            ("/nonsense", "additionalProperties"),
            ("/priority", "required"),
        ]
    );
    assert_eq!(refusal.code(), refusal.violations()[0].code());
}

async fn r11_a_typed_command_is_validated_like_json(world: World) {
    let (runtime, _) = start(&world).await;
    let lines = vec![Line { item: "tea".to_owned(), count: 0 }];
    let order = Order {
        customer: String::new(),
        lines,
        priority: 0,
        shipping: Some(Shipping::Courier),
        extra: Value::Null,
    };
    let typed = runtime.publish(order.clone()).await.unwrap_err();
    let json = runtime.publish_json("Order", serde_json::to_value(&order).unwrap()).await.unwrap_err();
    assert_eq!(typed, json);
    assert_eq!(typed, runtime.execute(order).await.unwrap_err());
    assert_eq!(typed.violations().len(), 2);
    assert!(jobs(&runtime).await.is_empty());
}

async fn r11_a_payload_of_ten_megabytes_is_refused(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "Order", with("extra", "x".repeat(10 << 20))).await;
    assert_eq!(kind_and_code(&refusal), (FailureKind::Invalid, "payload_too_large"));
    assert!(refusal.to_string().len() < 1000, "the payload is not in the message");
    // Nor does a message repeat a long invalid value.
    let refusal = refused(&runtime, &runs, "Order", with("shipping", "x".repeat(1 << 19))).await;
    assert!(refusal.to_string().len() < 1000);
}

async fn r11_the_builder_sets_the_largest_payload(world: World) {
    let bytes = with("extra", "x".repeat(1000)).to_string().len();
    let runs = Arc::new(Runs::default());
    let builder = world.builder().max_payload_bytes(bytes).provide::<Runs>(runs.clone());
    let runtime = builder.start().await.unwrap();
    let refusal = refused(&runtime, &runs, "Order", with("extra", "x".repeat(1001))).await;
    assert_eq!(refusal.code(), "payload_too_large");
    runtime.execute_json("Order", with("extra", "x".repeat(1000))).await.unwrap();
}

/// An order nested this deep: the object itself and arrays in it.
fn nested(levels: usize) -> Value {
    with("extra", (1..levels).fold(json!(1), |inner, _| Value::Array(vec![inner])))
}

async fn r11_a_payload_nested_deeper_than_127_is_refused(world: World) {
    let (runtime, runs) = start(&world).await;
    for levels in [128, 129, 2000] {
        let refusal = refused(&runtime, &runs, "Order", nested(levels)).await;
        assert_eq!(pointers_and_codes(&refusal), [("", "too_deep")], "{levels}");
    }
}

async fn r11_a_payload_nested_127_deep_passes_and_is_read_back(world: World) {
    let (runtime, _) = start(&world).await;
    let published = runtime.publish_json("Order", nested(127)).await.unwrap();
    assert_eq!(published.outcome().await.unwrap(), json!(["ada", 1, 1, true, false]));
    let stored = world.store().job(published.id()).await.unwrap().unwrap();
    assert_eq!(stored.payload.value().unwrap(), nested(127));
    let typed: Order = serde_json::from_value(nested(127)).unwrap();
    runtime.execute(typed).await.unwrap();
}

async fn r11_a_huge_array_is_accepted_or_refused_and_never_panics(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "Order", with("extra", vec![0; 1_000_000])).await;
    assert_eq!(refusal.code(), "payload_too_large");
    let refusal = refused(&runtime, &runs, "Order", with("lines", vec![0; 20_000])).await;
    assert_eq!((refusal.kind(), refusal.code()), (FailureKind::Invalid, "type"));
    let output = runtime.execute_json("Order", with("extra", vec![0; 200_000])).await.unwrap();
    assert_eq!(output, json!(["ada", 1, 1, true, false]));
}

async fn r11_a_payload_that_is_too_large_is_not_validated(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "Order", with("lines", vec![0; 1 << 20])).await;
    assert_eq!(pointers_and_codes(&refusal), [("", "payload_too_large")]);
}

async fn r11_at_most_a_hundred_violations_are_listed(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "Order", with("lines", vec![0; 100])).await;
    assert_eq!(refusal.violations().len(), 100);
    let refusal = refused(&runtime, &runs, "Order", with("lines", vec![0; 20_000])).await;
    let (more, listed) = refusal.violations().split_last().unwrap();
    assert_eq!((listed.len(), more.code()), (100, "more_violations"));
    assert_eq!(more.message(), "19900 more violations are not listed");
    assert!(listed.iter().all(|violation| violation.code() == "type"));
}

async fn r11_a_null_target_is_refused_where_the_handler_binds_an_entity(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = refused(&runtime, &runs, "Touch", json!({ "shelf": null })).await;
    assert_eq!(kind_and_code(&refusal), (FailureKind::Invalid, "no_target"));
    assert_eq!(pointers_and_codes(&refusal), [("", "no_target")]);
    let expected =
        "`Touch` is invalid: the target is null, and the handler binds an entity: set the target to the";
    assert!(refusal.to_string().starts_with(expected), "{refusal}");
    assert_eq!(runtime.publish(Touch { shelf: None }).await.unwrap_err(), refusal);
    assert_eq!(runtime.execute(Touch { shelf: None }).await.unwrap_err(), refusal);
    assert!(jobs(&runtime).await.is_empty());

    runtime.execute(Touch { shelf: Some(1) }).await.unwrap();
    runtime.execute(Glance { shelf: None }).await.unwrap();
}

async fn r11_a_staged_command_with_a_null_target_fails_the_execution(world: World) {
    let (runtime, runs) = start(&world).await;
    let failure = runtime.execute(Reach {}).await.unwrap_err();
    assert_eq!(kind_and_code(&failure), (FailureKind::Invalid, "no_target"));
    assert_eq!(jobs(&runtime).await.len(), 1, "only the job of `Reach`");
    assert_eq!(runs.0.load(Ordering::SeqCst), 0);
}

async fn r11_an_invalid_event_is_refused_and_leaves_nothing(world: World) {
    let (runtime, runs) = start(&world).await;
    let refusal = runtime.emit(Seen { number: 0 }).await.unwrap_err();
    assert_eq!(kind_and_code(&refusal), (FailureKind::Invalid, "minimum"));
    assert_eq!(pointers_and_codes(&refusal), [("/number", "minimum")]);
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
    assert!(jobs(&runtime).await.is_empty());
    assert_eq!(runs.0.load(Ordering::SeqCst), 0);
}

async fn r11_an_event_by_name_is_validated_as_one_by_type_is(world: World) {
    let (runtime, runs) = start(&world).await;
    for (payload, place) in [
        (json!({ "number": 0 }), ("/number", "minimum")),
        (json!({}), ("/number", "required")),
        (json!({ "number": 9_223_372_036_854_775_808_u64 }), ("/number", "unreadable")),
    ] {
        let refusal = runtime.emit_json("Seen", payload).await.unwrap_err();
        assert_eq!(kind_and_code(&refusal), (FailureKind::Invalid, place.1));
        assert_eq!(pointers_and_codes(&refusal), [place]);
    }
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
    assert!(jobs(&runtime).await.is_empty());
    // Unknown fields are ignored, as in a stored event.
    runtime.emit_json("Seen", json!({ "number": 1, "by": "ada" })).await.unwrap();
    until("the handler has run", async || runs.0.load(Ordering::SeqCst) == 1).await;
}

async fn r11_the_failure_for_an_unknown_event_lists_the_known_events(world: World) {
    let (runtime, _) = start(&world).await;
    for name in ["seen", "Order"] {
        let refusal = runtime.emit_json(name, json!({ "number": 1 })).await.unwrap_err();
        assert_eq!(kind_and_code(&refusal), (FailureKind::UnknownName, "unknown_event"));
        assert_eq!(refusal.message(), format!("unknown event `{name}`: the events are Seen"));
    }
}

/// Stores a job without validation, as an earlier version of the program may have left it.
async fn store_job(world: &World, name: &str, kind: JobKind, payload: &str) -> JobId {
    let id: JobId = uuid::Uuid::now_v7().to_string().parse().unwrap();
    let job = NewJob::new(id, kind, name, Json::from_text(payload), world.now());
    world.store().submit(Vec::new(), vec![job]).await.unwrap();
    id
}

async fn r11_a_stored_payload_that_violates_the_current_schema_fails_its_job(world: World) {
    let old_fields = r#"{"customer":"","lines":[],"priority":"high","old":1}"#;
    let too_large = r#"{"customer":"ada","lines":[],"priority":99999999999999999999,"extra":null}"#;
    let ids = [
        store_job(&world, "Order", JobKind::Command, old_fields).await,
        store_job(&world, "Order", JobKind::Command, too_large).await,
        store_job(&world, "sees", JobKind::EventHandler, r#"{"number":0}"#).await,
    ];
    let (runtime, runs) = start(&world).await;
    let mut found: Vec<Vec<(String, String)>> = Vec::new();
    for id in ids {
        let failed = reaches(&runtime, id, JobState::Failed).await;
        let failure = failed.failure.unwrap();
        assert_eq!(failure.kind(), FailureKind::Invalid);
        let attempts = runtime.jobs().attempts(id).await.unwrap();
        assert_eq!(
            attempts.iter().map(|attempt| attempt.reached).collect::<Vec<_>>(),
            [Some(Step::Validate)]
        );
        let mut pairs: Vec<_> =
            pointers_and_codes(&failure).iter().map(|at| (at.0.to_owned(), at.1.to_owned())).collect();
        pairs.sort();
        found.push(pairs);
    }
    let found: Vec<Vec<(&str, &str)>> =
        found.iter().map(|pairs| pairs.iter().map(|at| (&*at.0, &*at.1)).collect()).collect();
    assert_eq!(
        found,
        [
            vec![("/customer", "minLength"), ("/old", "additionalProperties"), ("/priority", "type")],
            vec![("/priority", "unreadable")],
            vec![("/number", "minimum")],
        ]
    );
    assert_eq!(runs.0.load(Ordering::SeqCst), 0);
}

async fn r11_a_stored_payload_that_is_not_json_fails_its_job_and_no_other(world: World) {
    let broken = store_job(&world, "poke", JobKind::Command, "{ no JSON").await;
    let next = store_job(&world, "poke", JobKind::Command, "{}").await;
    let (runtime, _) = start(&world).await;
    reaches(&runtime, next, JobState::Succeeded).await;
    until("the broken job has failed", async || {
        let counts = runtime.jobs().count().await.unwrap();
        counts.iter().any(|count| count.state == JobState::Failed)
    })
    .await;
    // SQLite cannot read a job whose payload is not JSON, but it can read its attempts.
    let [attempt] = runtime.jobs().attempts(broken).await.unwrap().try_into().unwrap();
    let failure = attempt.failure.unwrap();
    assert_eq!(kind_and_code(&failure), (FailureKind::Invalid, "not_json"));
    assert_eq!(attempt.reached, Some(Step::Validate));
}

async fn r11_a_stored_command_without_the_target_to_bind_fails_its_job(world: World) {
    let id = store_job(&world, "Touch", JobKind::Command, r#"{"shelf":null}"#).await;
    let (runtime, _) = start(&world).await;
    let failure = reaches(&runtime, id, JobState::Failed).await.failure.unwrap();
    assert_eq!(kind_and_code(&failure), (FailureKind::Invalid, "no_target"));
    assert_eq!(runtime.jobs().attempts(id).await.unwrap()[0].reached, Some(Step::Resolve));
}

async fn r11_unknown_fields_of_a_stored_event_are_ignored(world: World) {
    let id = store_job(&world, "sees", JobKind::EventHandler, r#"{"number":1,"added_later":true}"#).await;
    let (runtime, runs) = start(&world).await;
    reaches(&runtime, id, JobState::Succeeded).await;
    assert_eq!(runs.0.load(Ordering::SeqCst), 1);
}

async fn r11_a_job_of_an_unknown_name_stays_ready(world: World) {
    let id = store_job(&world, "Retired", JobKind::Command, "{}").await;
    let (runtime, _) = start(&world).await;
    runtime.publish(Poke {}).await.unwrap().outcome().await.unwrap();
    assert_eq!(common::state(&runtime, id).await, JobState::Ready);
}

on_every_store!(
    r11_an_event_by_name_is_validated_as_one_by_type_is,
    r11_the_failure_for_an_unknown_event_lists_the_known_events,
    r11_a_valid_command_passes_by_name_and_by_type,
    r11_the_failure_for_an_unknown_name_lists_the_known_names,
    r11_an_event_cannot_be_published_as_a_command,
    r11_the_failure_for_an_unknown_field_lists_the_known_fields,
    r11_a_missing_field_is_reported_at_its_pointer,
    r11_a_wrong_type_is_reported_at_its_pointer,
    r11_a_number_out_of_the_range_of_the_schema_is_refused,
    r11_a_number_out_of_the_range_of_the_type_is_refused,
    r11_all_violations_are_reported_together,
    r11_a_typed_command_is_validated_like_json,
    r11_a_payload_of_ten_megabytes_is_refused,
    r11_the_builder_sets_the_largest_payload,
    r11_a_payload_nested_deeper_than_127_is_refused,
    r11_a_payload_nested_127_deep_passes_and_is_read_back,
    r11_a_huge_array_is_accepted_or_refused_and_never_panics,
    r11_a_payload_that_is_too_large_is_not_validated,
    r11_at_most_a_hundred_violations_are_listed,
    r11_a_null_target_is_refused_where_the_handler_binds_an_entity,
    r11_a_staged_command_with_a_null_target_fails_the_execution,
    r11_an_invalid_event_is_refused_and_leaves_nothing,
    r11_a_stored_payload_that_violates_the_current_schema_fails_its_job,
    r11_a_stored_payload_that_is_not_json_fails_its_job_and_no_other,
    r11_a_stored_command_without_the_target_to_bind_fails_its_job,
    r11_unknown_fields_of_a_stored_event_are_ignored,
    r11_a_job_of_an_unknown_name_stays_ready,
);
