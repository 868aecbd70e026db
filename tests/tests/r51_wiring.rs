//! The wiring of a domain as data, as a tree, as JSON and as a flowchart (r51). It is a test program of its own, whose
//! domain is exactly this one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "nothing of this domain ever runs")]

use enact::prelude::*;
use enact::wiring::{CreationPolicy, ScopeWiring};
use enact::{MemoryStore, Source, Wiring};
use serde_json::{Value, json};

/// Return a book.
#[command(target = book)]
struct Return {
    book: String,
}

#[command]
async fn take_back(_: Return, book: &mut Book) {
    book.lent = false;
    emit(Noted {});
}

const LEND: u32 = line!() + 5;
/// Lend a book
/// to a reader.
///
/// This paragraph is not for the tree.
#[command(target = book, order_by = book, idempotency_key = slip, alias = ["LendBook", "Borrow"])]
struct Lend {
    /// Which book.
    book: String,
    #[schemars(range(min = 1))]
    slip: Option<u32>,
}

impl From<&Lend> for Book {
    fn from(lend: &Lend) -> Self {
        Self { id: lend.book.clone(), lent: false }
    }
}

const LENDS: u32 = line!() + 1;
#[command(
    create = if_missing,
    retry = Retry::exponential(3, Duration::from_secs(1)),
    timeout = Duration::from_millis(2500),
)]
async fn lend(lend: Lend, book: &mut Book, _fee: Box<dyn Fee>, _desk: Arc<Desk>) {
    book.lent = true;
    emit(Lent { book: lend.book.clone() });
    publish(Return { book: lend.book });
}

const BOOK: u32 = line!() + 2;
/// A book of the library.
#[entity]
struct Book {
    id: String,
    lent: bool,
}

/// A book can be named.
#[invariant]
fn named(book: &Book) -> bool {
    !book.id.is_empty()
}

/// A book is lent to one reader at a time.
#[invariant(when = Lend, code = "at_home")]
fn not_lent(book: &Book) -> bool {
    !book.lent
}

/// What is said to be lent is lent.
#[invariant(when = Lent)]
fn gone(book: &Book) -> bool {
    book.lent
}

struct Desk;

/// What lending costs.
#[strategy]
trait Fee {}

struct PerDay;
struct Flat;

#[strategy(variant)]
impl Fee for PerDay {}

#[strategy(variant, name = "at_once")]
impl Fee for Flat {}

const POLICY: u32 = line!() + 1;
#[strategy(policy)]
fn fee(_: &ExecutionContext) -> Box<dyn Fee> {
    Box::new(PerDay)
}

/// A book has left the house.
#[event]
struct Lent {
    book: String,
}

#[event_handler(retry = Retry::fixed(u32::MAX, Duration::ZERO), alias = "on_lent")]
async fn note(_: Lent, books: Repository<Book>) -> Result<(), Failure> {
    books.get(&String::new()).await?;
    emit(Noted {});
    publish(Insure { book: String::new() });
    Ok(())
}

#[event_handler(queue = "ink")]
async fn mark(_: Lent) {}

/// Something was noted.
#[event]
struct Noted {}

#[event_handler]
async fn archive(_: Noted) {
    emit(Noted {});
}

/// Insure a book.
#[command(remote, output = u64, target = book)]
struct Insure {
    book: String,
}

#[command(target = book)]
struct Glance {
    book: String,
}

impl From<Tick> for Glance {
    fn from(tick: Tick) -> Self {
        Self { book: tick.scheduled_at().to_string() }
    }
}

#[command(
    stateless,
    retry = Retry::fixed(2, Duration::from_millis(50)),
    every = Duration::from_secs(90),
    missed = Missed::Skip,
)]
async fn glance(_: Glance) {}

/// A command whose name is a keyword of Mermaid.
#[command(name = "end")]
struct Close {}

impl From<Tick> for Close {
    fn from(_: Tick) -> Self {
        Self {}
    }
}

#[command(cron = "0 3 * * *")]
async fn close(_: Close) {
    emit(Closed {});
}

const CLOSED: &str = "größe \"1\" & <b>`x`</b>";

/// The library is closed.
#[event(name = "größe \"1\" & <b>`x`</b>")]
struct Closed {}

#[event_handler(name = "#1; | go-on --> end")]
async fn after_closing(_: Closed) {}

/// An event that is emitted at the boundary only.
#[event]
struct Flooded {}

#[event_handler]
async fn dry(_: Flooded) {
    publish(Close {});
}

async fn wiring() -> Wiring {
    let runtime = Runtime::builder(MemoryStore::new()).provide(Arc::new(Desk)).start().await.unwrap();
    runtime.wiring().clone()
}

#[tokio::test]
async fn r51_the_wiring_has_every_part_in_the_order_of_names() {
    let Wiring { commands, events, entities, strategies, .. } = wiring().await;
    let names: Vec<_> = commands.iter().map(|command| command.name).collect();
    assert_eq!(names, ["Glance", "Insure", "Lend", "Return", "end"]);
    let names: Vec<_> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["Flooded", "Lent", "Noted", CLOSED]);
    let handlers = events.iter().flat_map(|event| &event.handlers);
    let handlers: Vec<_> = handlers.map(|handler| handler.name).collect();
    assert_eq!(handlers, ["dry", "mark", "note", "archive", "#1; | go-on --> end"]);
    assert_eq!(entities.iter().map(|entity| entity.name).collect::<Vec<_>>(), ["Book"]);
    let codes: Vec<_> = entities[0].invariants.iter().map(|invariant| invariant.code).collect();
    assert_eq!(codes, ["at_home", "gone", "named"]);
    assert_eq!(strategies.iter().map(|strategy| strategy.name).collect::<Vec<_>>(), ["Fee"]);
    let variants: Vec<_> = strategies[0].variants.iter().map(|variant| variant.name).collect();
    assert_eq!(variants, ["at_once", "per_day"]);
}

#[tokio::test]
async fn r51_a_command_has_its_schema_entity_retry_and_invariants() {
    let wiring = wiring().await;
    let lend = wiring.command("Lend").unwrap();
    assert_eq!(
        (lend.target, lend.order_by, lend.idempotency_key),
        (Some("book"), Some("book"), Some("slip"))
    );
    assert_eq!(lend.aliases, ["LendBook", "Borrow"]);
    assert_eq!(lend.invariants, ["at_home"]);
    let binding = lend.binding.unwrap();
    assert_eq!((binding.entity, binding.create), ("Book", CreationPolicy::IfMissing));
    let handler = lend.handler.as_ref().unwrap();
    assert_eq!(handler.settings.retry, Retry::exponential(3, Duration::from_secs(1)));
    assert_eq!(handler.settings.timeout, Some(Duration::from_millis(2500)));
    assert_eq!(handler.capabilities, ["r51_wiring::Desk"]);
    assert_eq!(handler.strategies, ["Fee"]);
    assert_eq!((&*handler.emits, &*handler.publishes), (&["Lent"][..], &["Return"][..]));
    assert_eq!(lend.schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(lend.schema["required"], json!(["book"]));
    assert_eq!(lend.schema["properties"]["slip"]["minimum"], 1);

    let take_back = wiring.command("Return").unwrap();
    assert_eq!(take_back.binding.map(|binding| binding.create), Some(CreationPolicy::Never));
    let glance = wiring.command("Glance").unwrap();
    assert!(glance.target.is_some() && glance.binding.is_none() && glance.handler.is_some());
    assert!(wiring.command("Insure").unwrap().handler.is_none());
}

#[tokio::test]
async fn r51_a_command_is_found_by_its_aliases_too() {
    let wiring = wiring().await;
    for name in ["Lend", "LendBook", "Borrow"] {
        assert_eq!(wiring.command(name).map(|command| command.name), Some("Lend"));
    }
    assert!(wiring.command("Lent").is_none() && wiring.event("Lend").is_none());
    assert_eq!(wiring.event("Lent").map(|event| event.name), Some("Lent"));
}

#[tokio::test]
async fn r51_an_event_has_its_schema_and_its_handlers() {
    let wiring = wiring().await;
    let lent = wiring.event("Lent").unwrap();
    assert_eq!(lent.schema["properties"]["book"]["type"], "string");
    let note = &lent.handlers[1];
    assert_eq!((note.name, note.aliases), ("note", &["on_lent"][..]));
    assert_eq!(note.handler.repositories, ["Book"]);
    assert_eq!((&*note.handler.emits, &*note.handler.publishes), (&["Noted"][..], &["Insure"][..]));
}

#[tokio::test]
async fn r51_an_invariant_has_its_scope() {
    let wiring = wiring().await;
    let scopes: Vec<_> = wiring.entities[0].invariants.iter().map(|invariant| invariant.when).collect();
    assert_eq!(scopes, [Some(ScopeWiring::Command("Lend")), Some(ScopeWiring::Event("Lent")), None]);
    assert_eq!(wiring.entities[0].invariants[2].message, "A book can be named.");
}

#[tokio::test]
async fn r51_each_part_has_its_source() {
    let wiring = wiring().await;
    let is = |source: Source, line| source.file.ends_with("tests/r51_wiring.rs") && source.line == line;
    assert!(is(wiring.command("Lend").unwrap().source, LEND));
    assert!(is(wiring.command("Lend").unwrap().handler.as_ref().unwrap().source, LENDS));
    assert!(is(wiring.entities[0].source, BOOK));
    assert!(is(wiring.strategies[0].policy.unwrap(), POLICY));
}

const TREE: &str = r#"Commands

Glance
   recurs every 90s; missed ticks are skipped
   target `book`, not bound
   up to 2 attempts, 50ms apart

Insure: Insure a book.
   target `book`
   handled by another program

Lend: Lend a book to a reader.
│  formerly LendBook, Borrow
│  ordered by `book`
│  idempotency key `slip`
│  up to 3 attempts, 1s, 2s, … apart
│  timeout 2.5s
│  uses Fee, Desk
└─ entity Book by `book`, created if missing
   │  checks at_home
   ├─ event Lent: A book has left the house.
   │  ├─ handler mark
   │  │     queue `ink`
   │  └─ handler note
   │     │  formerly on_lent
   │     │  unlimited attempts, without a pause
   │     │  uses Repository<Book>
   │     ├─ event Noted: Something was noted.
   │     │  └─ handler archive
   │     │     └─ event Noted (above)
   │     └─ command Insure
   └─ command Return

Return: Return a book.
└─ entity Book by `book`, must exist
   └─ event Noted (above)

end: A command whose name is a keyword of Mermaid.
│  recurs at 0 3 * * *; missed ticks run once
└─ event größe "1" & <b>`x`</b>: The library is closed.
   └─ handler #1; | go-on --> end

Other events

Flooded: An event that is emitted at the boundary only.
└─ handler dry
   └─ command end

Entities

Book
├─ at_home, before Lend: A book is lent to one reader at a time.
├─ gone, at Lent: What is said to be lent is lent.
└─ named: A book can be named.

Strategies

Fee
├─ at_once
└─ per_day
"#;

#[tokio::test]
async fn r51_the_tree_leads_from_command_to_command() {
    let tree = wiring().await.to_string();
    assert_eq!(tree, TREE, "{tree}");
}

const FLOWCHART: &str = r##"flowchart LR
    c_Glance["Glance"]
    c_Insure[["Insure"]]
    c_Lend["Lend"]
    c_Return["Return"]
    c_end["end"]
    s_Book[("Book")]
    e_Flooded{{"Flooded"}}
    e_Lent{{"Lent"}}
    e_Noted{{"Noted"}}
    e_gr.f6..df.e.20..22.1.22..20..26..20..3c.b.3e..60.x.60..3c..2f.b.3e.{{"größe #34;1#34; #38; #60;b#62;#96;x#96;#60;/b#62;"}}
    h_dry(["dry"])
    h_mark(["mark"])
    h_note(["note"])
    h_archive(["archive"])
    h_.23.1.3b..20..7c..20.go.2d.on.20..2d..2d..3e..20.end(["#35;1#59; #124; go-on --#62; end"])
    t_Glance(("every 90s")) --> c_Glance
    t_end(("at 0 3 #42; #42; #42;")) --> c_end
    c_Lend --> s_Book
    s_Book -->|"Lend"| e_Lent
    s_Book -->|"Lend"| c_Return
    c_Return --> s_Book
    s_Book -->|"Return"| e_Noted
    c_end --> e_gr.f6..df.e.20..22.1.22..20..26..20..3c.b.3e..60.x.60..3c..2f.b.3e.
    e_Flooded --> h_dry
    h_dry --> c_end
    e_Lent --> h_mark
    e_Lent --> h_note
    h_note -.-> s_Book
    h_note --> e_Noted
    h_note --> c_Insure
    e_Noted --> h_archive
    h_archive --> e_Noted
    e_gr.f6..df.e.20..22.1.22..20..26..20..3c.b.3e..60.x.60..3c..2f.b.3e. --> h_.23.1.3b..20..7c..20.go.2d.on.20..2d..2d..3e..20.end
"##;

#[tokio::test]
async fn r51_the_flowchart_leads_from_command_to_command() {
    let chart = wiring().await.to_mermaid();
    assert_eq!(chart, FLOWCHART, "{chart}");
}

#[tokio::test]
async fn r51_json_has_the_documented_names() {
    let json = serde_json::to_value(wiring().await).unwrap();
    let expected = json!({
        "name": "Lend",
        "aliases": ["LendBook", "Borrow"],
        "target": "book",
        "idempotency_key": "slip",
        "order_by": "book",
        "handler": {
            "retry": retry(3, 1000, 2),
            "timeout_ms": 2500,
            "queue": "default",
            "capabilities": ["r51_wiring::Desk"],
            "strategies": ["Fee"],
            "repositories": [],
            "emits": ["Lent"],
            "publishes": ["Return"],
        },
        "schedule": null,
        "binding": { "entity": "Book", "create": "if_missing" },
        "invariants": ["at_home"],
    });
    assert_eq!(bare(&json["commands"][2]), expected);
    let remote = json!({
        "name": "Insure", "aliases": [], "target": "book", "idempotency_key": null, "order_by": null,
        "handler": null, "schedule": null, "binding": null, "invariants": [],
    });
    assert_eq!(bare(&json["commands"][1]), remote);
    let schedule = json!({ "every_ms": 90_000, "cron": null, "missed": "skip", "overlap": "skip" });
    assert_eq!(json["commands"][0]["schedule"], schedule);
    let schedule = json!({ "every_ms": null, "cron": "0 3 * * *", "missed": "once", "overlap": "skip" });
    assert_eq!(json["commands"][4]["schedule"], schedule);
    let event = json!({
        "name": "Lent",
        "handlers": [{
            "name": "mark",
            "aliases": [],
            "retry": retry(1, 0, 1),
            "timeout_ms": null,
            "queue": "ink",
            "capabilities": [],
            "strategies": [],
            "repositories": [],
            "emits": [],
            "publishes": [],
        }, {
            "name": "note",
            "aliases": ["on_lent"],
            "retry": retry(None, 0, 1),
            "timeout_ms": null,
            "queue": "default",
            "capabilities": [],
            "strategies": [],
            "repositories": ["Book"],
            "emits": ["Noted"],
            "publishes": ["Insure"],
        }],
    });
    assert_eq!(bare(&json["events"][1]), event);
    let entity = json!({
        "name": "Book",
        "invariants": [
            { "code": "at_home", "message": "A book is lent to one reader at a time.", "when": { "command": "Lend" } },
            { "code": "gone", "message": "What is said to be lent is lent.", "when": { "event": "Lent" } },
            { "code": "named", "message": "A book can be named.", "when": null },
        ],
    });
    assert_eq!(bare(&json["entities"]), json!([entity]));
    let policy = &json["strategies"][0]["policy"];
    assert_eq!(policy, &json!({ "file": file!(), "line": POLICY }));
    let strategy = json!({ "name": "Fee", "variants": [{ "name": "at_once" }, { "name": "per_day" }], "policy": policy });
    assert_eq!(bare(&json["strategies"]), json!([strategy]));
    assert_eq!(json.as_object().unwrap().len(), 4, "there are no other fields");
}

/// A retry policy in JSON, with the default longest pause.
fn retry(attempts: impl Into<Option<u32>>, first_pause_ms: u64, growth: u32) -> Value {
    json!({
        "attempts": attempts.into(),
        "first_pause_ms": first_pause_ms,
        "growth": growth,
        "longest_pause_ms": 3_600_000,
        "jitter": false,
    })
}

/// A part without its schemas and sources. Asserts that every part has a source.
fn bare(part: &Value) -> Value {
    match part {
        Value::Array(parts) => parts.iter().map(bare).collect(),
        Value::Object(fields) => {
            let is_part = fields.contains_key("name") || fields.contains_key("code");
            assert!(!is_part || fields["source"]["line"].is_u64(), "{part}");
            let rest = fields.iter().filter(|(name, _)| *name != "source" && *name != "schema");
            rest.map(|(name, value)| (name.clone(), bare(value))).collect()
        }
        other => other.clone(),
    }
}
