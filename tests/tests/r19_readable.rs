//! What is committed can be read back ([r19](enact::rules#r19)).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use common::{World, job, jobs, kind_and_code, on_every_store, pointers_and_codes};
use enact::prelude::*;
use enact::{Cursor, Key};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

/// What is put on a shelf: one variant for each way in which JSON and serde can lose something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Thing {
    Nothing,
    Number(f64),
    Single(f32),
    Numbers {
        found: Vec<f64>,
    },
    Optional(Option<f64>),
    Unit(Option<()>),
    #[expect(clippy::option_option, reason = "it is tested")]
    Twice(Option<Option<u8>>),
    Deep(Nest),
    Skipped(Skipped),
    Renamed(Renamed),
    RenamedOption(RenamedOption),
    NotRead(NotRead),
    Wide(Wide),
    Keyed(Keyed),
    Colliding(Colliding),
    Sets(Sets),
    Cached(Cached),
    NanAsNull(NanAsNull),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Nest {
    below: Option<Box<Nest>>,
}

fn nest(levels: u32) -> Nest {
    (0..levels).fold(Nest::default(), |nest, _| Nest { below: Some(Box::new(nest)) })
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Skipped {
    #[serde(skip_serializing)]
    count: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Renamed {
    #[serde(rename(serialize = "amount"))]
    count: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RenamedOption {
    #[serde(rename(serialize = "amount"))]
    count: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct NotRead {
    #[serde(skip_deserializing)]
    count: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wide {
    #[serde(flatten)]
    below: WideBelow,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WideBelow {
    count: u128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Keyed {
    #[serde(flatten)]
    by_number: HashMap<u32, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Colliding {
    name: String,
    #[serde(flatten)]
    more: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sets {
    words: HashSet<String>,
    by_word: HashMap<String, HashSet<u64>>,
    by_number: HashMap<u64, i128>,
}

/// A field that is never stored, by its owner's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cached {
    count: u32,
    #[serde(skip)]
    double: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct NanAsNull {
    #[serde(deserialize_with = "null_as_nan")]
    rate: f64,
}

impl PartialEq for NanAsNull {
    fn eq(&self, other: &Self) -> bool {
        self.rate.total_cmp(&other.rate).is_eq()
    }
}

fn null_as_nan<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// A shelf.
#[entity]
#[derive(Debug)]
struct Shelf {
    id: String,
    thing: Thing,
    #[serde(deserialize_with = "refuse_relics")]
    label: String,
}

/// The labels that the program does not read any more, as if it were a newer one.
static RELICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn refuse_relics<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let label = String::deserialize(deserializer)?;
    if RELICS.lock().unwrap().contains(&label) {
        return Err(serde::de::Error::custom("relics are not read any more"));
    }
    Ok(label)
}

/// Put a thing on a shelf.
#[command(target = shelf)]
struct Put {
    shelf: String,
    number: usize,
}

impl From<&Put> for Shelf {
    fn from(put: &Put) -> Self {
        Self { id: put.shelf.clone(), thing: Thing::Nothing, label: String::new() }
    }
}

#[command(create = if_missing, retry = Retry::fixed(5, Duration::ZERO))]
async fn put(put: Put, shelf: &mut Shelf) {
    shelf.thing = things()[put.number].0.clone();
}

/// Label a shelf.
#[command(target = shelf)]
struct Label {
    shelf: String,
    label: String,
}

impl From<&Label> for Shelf {
    fn from(label: &Label) -> Self {
        Self { id: label.shelf.clone(), thing: Thing::Nothing, label: String::new() }
    }
}

#[command(create = if_missing)]
async fn label(label: Label, shelf: &mut Shelf) {
    shelf.label = label.label;
}

/// Save a shelf by a repository.
#[command]
struct Save {
    number: usize,
}

#[command]
async fn save(save: Save, shelves: Repository<Shelf>) -> Result<(), Failure> {
    let thing = things()[save.number].0.clone();
    shelves.save(Shelf { id: "saved".to_owned(), thing, label: String::new() })
}

/// Return a thing.
#[command]
struct Show {
    number: usize,
}

#[command(retry = Retry::fixed(5, Duration::ZERO))]
async fn show(show: Show) -> Result<Thing, Failure> {
    Ok(things()[show.number].0.clone())
}

/// A thing, and the violation by which it is refused; `None` if it can be read back.
fn things() -> Vec<(Thing, Option<(&'static str, &'static str)>)> {
    let text = |text: &str| text.to_owned();
    let words = |count: u64| (0..count).map(|word| format!("word {word}")).collect::<HashSet<_>>();
    vec![
        (Thing::Nothing, None),
        (Thing::Number(0.1 + 0.2), None),
        (Thing::Number(f64::MIN_POSITIVE), None),
        (Thing::Number(123_456_789.123_456_78), None),
        (Thing::Number(5.0), None),
        (Thing::Number(-0.0), None),
        (Thing::Number(f64::NAN), Some(("/Number", "not_finite"))),
        (Thing::Single(0.1), None),
        (Thing::Single(f32::INFINITY), Some(("/Single", "not_finite"))),
        (Thing::Numbers { found: vec![1.0, 2.0] }, None),
        (Thing::Numbers { found: vec![1.0, f64::INFINITY] }, Some(("/Numbers/found/1", "not_finite"))),
        (Thing::Optional(None), None),
        (Thing::Optional(Some(f64::NEG_INFINITY)), Some(("/Optional", "not_finite"))),
        (Thing::Unit(None), None),
        (Thing::Unit(Some(())), Some(("/Unit", "some_null"))),
        (Thing::Twice(Some(Some(1))), None),
        (Thing::Twice(Some(None)), Some(("/Twice", "some_null"))),
        (Thing::Deep(nest(100)), None),
        (Thing::Deep(nest(200)), Some(("/Deep", "too_deep"))),
        (Thing::Deep(nest(1000)), Some(("/Deep", "too_deep"))),
        (Thing::Skipped(Skipped { count: 1 }), Some(("/Skipped", "unreadable"))),
        (Thing::Renamed(Renamed { count: 1 }), Some(("/Renamed", "unreadable"))),
        (Thing::RenamedOption(RenamedOption { count: None }), None),
        (Thing::RenamedOption(RenamedOption { count: Some(1) }), Some(("/RenamedOption/amount", "changed"))),
        (Thing::NotRead(NotRead { count: 0 }), None),
        (Thing::NotRead(NotRead { count: 1 }), Some(("/NotRead/count", "changed"))),
        (Thing::Wide(Wide { below: WideBelow { count: 1 << 100 } }), Some(("/Wide", "unreadable"))),
        (Thing::Keyed(Keyed { by_number: [(1, text("one"))].into() }), Some(("/Keyed", "unreadable"))),
        (Thing::Keyed(Keyed { by_number: HashMap::new() }), None),
        (Thing::Colliding(Colliding { name: text("a"), more: [(text("b"), text("c"))].into() }), None),
        (
            Thing::Colliding(Colliding { name: text("a"), more: [(text("name"), text("c"))].into() }),
            Some(("/Colliding/name", "unreadable")),
        ),
        (
            Thing::Sets(Sets {
                words: words(100),
                by_word: words(20).into_iter().map(|word| (word, (0..20).collect())).collect(),
                by_number: (0..20).map(|number| (number, i128::MIN)).collect(),
            }),
            None,
        ),
        (Thing::Cached(Cached { count: 1, double: 2 }), None),
        (Thing::NanAsNull(NanAsNull { rate: f64::NAN }), None),
        (Thing::NanAsNull(NanAsNull { rate: f64::INFINITY }), Some(("/NanAsNull/rate", "not_finite"))),
    ]
}

/// What is read instead of a thing that was written; the same unless its owner has chosen otherwise.
fn read_back(thing: Thing) -> Thing {
    match thing {
        Thing::Cached(cached) => Thing::Cached(Cached { double: 0, ..cached }),
        thing => thing,
    }
}

/// Asserts that a failure is of this violation, below `parent`, and is not retried.
fn assert_refused(failure: &Failure, parent: &str, expected: (&str, &str), thing: &Thing) {
    assert_eq!(kind_and_code(failure), (FailureKind::Error, "not_readable"), "{failure}");
    assert!(failure.is_permanent());
    let (pointer, code) = (format!("{parent}{}", expected.0), expected.1);
    let [(found, found_code)] = pointers_and_codes(failure)[..] else { panic!("one violation: {failure}") };
    assert_eq!(found_code, code, "{failure}");
    if code == "too_deep" {
        assert!(found.starts_with(&pointer), "{found}");
    } else {
        assert_eq!(found, pointer, "{thing:?}: {failure}");
    }
}

async fn r19_an_entity_that_its_type_cannot_read_fails_the_attempt(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for (number, (thing, refused)) in things().into_iter().enumerate() {
        let id = format!("shelf {number}");
        let outcome = runtime.execute(Put { shelf: id.clone(), number }).await;
        let stored = runtime.entities::<Shelf>().get(&id).await.unwrap().map(|shelf| shelf.thing);
        match refused {
            None => {
                outcome.unwrap_or_else(|failure| panic!("{thing:?}: {failure}"));
                assert_eq!(stored, Some(read_back(thing)));
            }
            Some(expected) => {
                assert_refused(&outcome.unwrap_err(), "/thing", expected, &thing);
                assert_eq!(stored, None, "nothing is committed");
            }
        }
    }
    assert!(jobs(&runtime).await.iter().all(|job| job.attempts == 1), "none is retried");
}

async fn r19_an_entity_that_a_repository_saves_can_be_read_too(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for (number, (thing, refused)) in things().into_iter().enumerate() {
        let Some(expected) = refused else { continue };
        let failure = runtime.execute(Save { number }).await.unwrap_err();
        assert_refused(&failure, "/thing", expected, &thing);
        assert!(runtime.entities::<Shelf>().list(None, 1).await.unwrap().is_empty());
    }
}

async fn r19_an_output_that_its_type_cannot_read_fails_the_job(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for (number, (thing, refused)) in things().into_iter().enumerate() {
        let shown = runtime.publish(Show { number }).await.unwrap();
        let outcome = shown.outcome().await;
        let stored = job(&runtime, shown.id()).await;
        match refused {
            None => assert_eq!(outcome.unwrap(), read_back(thing)),
            Some(expected) => {
                assert_refused(&outcome.unwrap_err(), "", expected, &thing);
                assert_eq!((stored.state, stored.attempts), (JobState::Failed, 1));
            }
        }
    }
}

/// A reading was taken.
#[event]
struct Read {
    reading: Option<f64>,
}

/// Note a reading.
#[command]
struct Note {
    reading: Option<f64>,
}

#[command]
async fn note(_: Note) {}

/// Say a word, which is read in small letters.
#[command]
struct Say {
    #[serde(deserialize_with = "small_letters")]
    word: String,
}

#[command]
async fn say(_: Say) {}

fn small_letters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|word| word.to_lowercase())
}

/// Divide, and emit or publish the result.
#[command]
struct Divide {
    by: f64,
    emits: bool,
}

#[command]
async fn divide(divide: Divide) {
    let reading = Some(1.0 / divide.by);
    if divide.emits {
        emit(Read { reading });
    } else {
        publish(Note { reading });
    }
}

async fn r19_a_message_that_its_type_cannot_read_is_invalid_where_it_is_made(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let nan = Some(f64::NAN);
    for refused in [
        runtime.publish(Note { reading: nan }).await.map(|_| ()),
        runtime.execute(Note { reading: nan }).await,
        runtime.emit(Read { reading: nan }).await.map(|_| ()),
    ] {
        let failure = refused.unwrap_err();
        assert_eq!(kind_and_code(&failure), (FailureKind::Invalid, "not_finite"), "{failure}");
        assert_eq!(pointers_and_codes(&failure), [("/reading", "not_finite")]);
    }
    let failure = runtime.execute(Say { word: "Hello".to_owned() }).await.unwrap_err();
    assert_eq!(kind_and_code(&failure), (FailureKind::Invalid, "changed"), "{failure}");
    assert_eq!(pointers_and_codes(&failure), [("/word", "changed")]);
    assert!(jobs(&runtime).await.is_empty());
    runtime.execute(Say { word: "hello".to_owned() }).await.unwrap();
    for emits in [false, true] {
        let failure = runtime.execute(Divide { by: 0.0, emits }).await.unwrap_err();
        assert_eq!(pointers_and_codes(&failure), [("/reading", "not_finite")], "{failure}");
    }
    assert_eq!(jobs(&runtime).await.len(), 3, "nothing was staged");
    assert!(runtime.events().list(&Cursor::START, 10).await.unwrap().is_empty());
    for emits in [false, true] {
        runtime.execute(Divide { by: 3.0, emits }).await.unwrap();
    }
}

async fn r19_one_unreadable_entity_hides_no_other(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let relic = uuid::Uuid::now_v7().to_string();
    for (id, label) in [("a", ""), ("b", &relic), ("c", &relic), ("d", ""), ("e", &relic)] {
        runtime.execute(Label { shelf: id.to_owned(), label: label.to_owned() }).await.unwrap();
    }
    let shelves = runtime.entities::<Shelf>();
    RELICS.lock().unwrap().push(relic);
    let (mut read, mut unreadable, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = shelves.list(after.as_ref(), 2).await.unwrap();
        read.extend(page.entities.iter().map(|shelf| shelf.id.clone()));
        unreadable.extend(page.unreadable);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, ["a", "d"]);
    let ids: Vec<_> = unreadable.iter().map(|entity| entity.id.as_str()).collect();
    assert_eq!(ids, ["b", "c", "e"]);
    for entity in &unreadable {
        assert_eq!(kind_and_code(&entity.failure), (FailureKind::Error, "unreadable_entity"));
        assert_eq!(pointers_and_codes(&entity.failure), [("/label", "unreadable")]);
    }
    let alone = shelves.get(&"b".to_owned()).await.unwrap_err();
    assert_eq!(alone.to_string(), unreadable[0].failure.to_string());
}

on_every_store!(
    r19_an_entity_that_its_type_cannot_read_fails_the_attempt,
    r19_an_entity_that_a_repository_saves_can_be_read_too,
    r19_an_output_that_its_type_cannot_read_fails_the_job,
    r19_a_message_that_its_type_cannot_read_is_invalid_where_it_is_made,
    r19_one_unreadable_entity_hides_no_other,
);

#[test]
fn r19_an_entity_that_was_edited_by_hand_hides_no_other() {
    let world = World::sqlite();
    common::run_test(world, async |world: World| {
        let runtime = world.builder().start().await.unwrap();
        for id in ["a", "b", "c", "d"] {
            runtime.execute(Label { shelf: id.to_owned(), label: String::new() }).await.unwrap();
        }
        world.change("UPDATE entities SET body = '{\"id\": \"b\"' WHERE id = 'b'");
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        world.change(&format!("UPDATE entities SET body = '{deep}' WHERE id = 'c'"));
        let page = runtime.entities::<Shelf>().list(None, 10).await.unwrap();
        assert_eq!(page.iter().map(|shelf| &*shelf.id).collect::<Vec<_>>(), ["a", "d"]);
        let ids: Vec<_> = page.unreadable.iter().map(|entity| entity.id.clone()).collect();
        assert_eq!(ids, ["b", "c"].map(Key::from_text));
    });
}

#[tokio::test]
#[should_panic(expected = "could not be read back, so it is not committed: /thing/Number: NaN is no number")]
async fn r60_the_kit_fails_a_test_that_is_given_what_cannot_be_read() {
    let world = enact::testing::TestRuntime::start().await;
    let thing = Thing::Number(f64::NAN);
    world.given(Shelf { id: "a".to_owned(), thing, label: String::new() }).await;
}

#[test]
fn r19_a_list_of_things_covers_every_variant() {
    let names: HashSet<_> = things()
        .iter()
        .map(|(thing, _)| format!("{thing:?}").split(['(', ' ']).next().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 18, "{}", json!(names));
}
