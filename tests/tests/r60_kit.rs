//! The test kit: given, when, then (r60).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use enact::prelude::*;
use enact::testing::{Outcome, TestRuntime};

/// A shelf of books.
#[entity]
struct Shelf {
    id: u32,
    books: Vec<String>,
}

/// A shelf holds three books.
#[invariant]
fn not_overloaded(shelf: &Shelf) -> bool {
    shelf.books.len() <= 3
}

/// Put a book on a shelf.
#[command(target = shelf, idempotency_key = request)]
struct PutUp {
    shelf: u32,
    #[schemars(length(min = 1))]
    book: String,
    request: Option<String>,
}

/// A book is on its shelf.
#[event]
struct Shelved {
    shelf: u32,
    book: String,
}

/// A shelf has no more room.
#[event]
struct ShelfIsFull {
    shelf: u32,
}

/// Buy a shelf.
#[command]
struct Buy {
    next_to: u32,
}

/// Pays for shelves.
trait Treasurer: Send + Sync {
    fn pays(&self) -> Result<(), std::io::Error>;
}

struct Generous;

impl Treasurer for Generous {
    fn pays(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

struct Stingy;

impl Treasurer for Stingy {
    fn pays(&self) -> Result<(), std::io::Error> {
        Err(std::io::Error::other("there is no money"))
    }
}

#[command(retry = Retry::fixed(2, Duration::from_mins(1)))]
async fn put_up(put_up: PutUp, shelf: &mut Shelf) -> Result<usize, Failure> {
    shelf.books.push(put_up.book.clone());
    emit(Shelved { shelf: shelf.id, book: put_up.book });
    if shelf.books.len() == 3 {
        emit(ShelfIsFull { shelf: shelf.id });
        publish(Buy { next_to: shelf.id });
    }
    Ok(shelf.books.len())
}

#[command(retry = Retry::fixed(2, Duration::from_mins(1)))]
async fn buy(_: Buy, treasurer: Arc<dyn Treasurer>) -> Result<(), std::io::Error> {
    treasurer.pays()
}

/// The catalogue entry of a book.
#[entity(id = book)]
struct Entry {
    book: String,
    shelf: u32,
    by: Option<String>,
}

#[event_handler]
async fn catalogue(shelved: Shelved, entries: Repository<Entry>) -> Result<(), Failure> {
    let by = context().identity().map(|who| who.subject().to_owned());
    entries.save(Entry { book: shelved.book, shelf: shelved.shelf, by })
}

#[event_handler]
async fn praise(shelved: Shelved) -> Result<(), std::io::Error> {
    if shelved.book == "dull" { Err(std::io::Error::other("nobody praises it")) } else { Ok(()) }
}

async fn library() -> TestRuntime {
    TestRuntime::builder().provide::<dyn Treasurer>(Arc::new(Generous)).start().await
}

fn shelf<const N: usize>(books: [&str; N]) -> Shelf {
    Shelf { id: 1, books: books.map(str::to_owned).into() }
}

fn put_up_one(book: &str) -> PutUp {
    PutUp { shelf: 1, book: book.into(), request: None }
}

fn shelved(book: &str) -> Shelved {
    Shelved { shelf: 1, book: book.into() }
}

#[tokio::test]
async fn r60_given_when_then_cover_state_events_commands_and_failures() {
    let library = library().await;
    library.given(shelf(["Emma"])).await;

    library
        .when(put_up_one("Ulysses"))
        .await
        .then_succeeds()
        .then_returns(&2)
        .then_emits(shelved("Ulysses"))
        .then_publishes_nothing()
        .then_entity(&shelf(["Emma", "Ulysses"]));
    library
        .when(put_up_one("Middlemarch"))
        .await
        .then_emits((shelved("Middlemarch"), ShelfIsFull { shelf: 1 }))
        .then_publishes(Buy { next_to: 1 });
    library
        .when(put_up_one("Persuasion"))
        .await
        .then_fails(FailureKind::Violated, "not_overloaded")
        .then_gives_up()
        .then_changes_nothing()
        .then_entity(&shelf(["Emma", "Ulysses", "Middlemarch"]));
}

#[tokio::test]
async fn r60_everything_is_a_stored_job() {
    let library = library().await;
    library.given(shelf([])).await;
    library.given(shelf(["Emma"])).await;
    library.when(put_up_one("Ulysses")).await.then_succeeds();
    library.when_event(shelved("Persuasion")).await.then_succeeds();

    let jobs = library.runtime().jobs().list(&JobQuery::default()).await.unwrap().jobs;
    let names: Vec<_> = jobs.iter().map(|job| &*job.name).collect();
    // The handlers of the command's event wait for a drain; those of the event given to `when_event` have run.
    let expected = ["given", "given", "PutUp", "catalogue", "praise", "catalogue", "praise"];
    assert_eq!(names, expected);
    let mut versions = Vec::new();
    for job in &jobs {
        let attempts = library.runtime().jobs().attempts(job.id).await.unwrap();
        versions.push(attempts.first().and_then(|attempt| attempt.version_written));
    }
    assert_eq!(versions, [Some(1), Some(2), Some(3), None, None, Some(1), None]);
}

#[tokio::test]
async fn r60_a_command_refused_at_the_boundary_fails_and_becomes_no_job() {
    let library = library().await;
    library.when(put_up_one("")).await.then_fails(FailureKind::Invalid, "minLength").then_changes_nothing();
    assert_eq!(library.runtime().jobs().list(&JobQuery::default()).await.unwrap().jobs, []);
}

#[tokio::test]
async fn r60_each_handler_of_an_event_has_an_attempt() {
    let library = library().await;
    let outcome = library.when_event(shelved("dull")).await;
    outcome.then_ran(["catalogue", "praise"]);
    outcome.of("catalogue").then_succeeds().then_entity(&Entry { book: "dull".into(), shelf: 1, by: None });

    let outcome = library.when_event(shelved("dull")).await;
    outcome.of("praise").then_fails(FailureKind::Error, "error").then_gives_up();
}

#[tokio::test]
async fn r60_the_identity_of_the_seed_reaches_drained_handlers() {
    let library = library().await;
    library.given(shelf([])).await;
    let ada = ContextSeed::new().with_identity(Identity::user("ada"));
    library.when_as(ada, put_up_one("Emma")).await.then_succeeds();
    library.drain().await.then_ran(["catalogue", "praise"]).then_entity(&Entry {
        book: "Emma".into(),
        shelf: 1,
        by: Some("ada".into()),
    });
}

#[tokio::test]
async fn r60_a_repeated_request_returns_its_output_and_changes_nothing() {
    let library = library().await;
    library.given(shelf([])).await;
    let request = || PutUp { request: Some("r".into()), ..put_up_one("Emma") };
    library.when(request()).await.then_succeeds().then_emits(shelved("Emma"));
    library.when(request()).await.then_succeeds().then_returns(&1).then_changes_nothing();
}

#[tokio::test]
async fn r60_a_given_event_is_handled_by_the_next_drain() {
    let library = library().await;
    library.given_event(shelved("Emma")).await;
    library.drain().await.then_ran(["catalogue", "praise"]).then_succeeds();
    library.drain().await.then_ran([]).then_changes_nothing();
}

#[tokio::test]
#[should_panic(expected = "`concurrency(0)` would run no jobs")]
async fn r60_settings_are_checked_as_in_production() {
    TestRuntime::builder().configure(|builder| builder.concurrency(0)).start().await;
}

#[tokio::test]
#[should_panic(expected = "r60_kit::Treasurer` is required by")]
async fn r60_a_domain_with_problems_does_not_start() {
    TestRuntime::start().await;
}

#[tokio::test]
#[should_panic(
    expected = "could not be committed by an execution: Shelf 1 violates an invariant: A shelf holds three books"
)]
async fn r60_an_entity_that_violates_an_invariant_cannot_be_given() {
    library().await.given(shelf(["a", "b", "c", "d"])).await;
}

thread_local! {
    /// Whether the next panic of this thread is expected.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
    /// The file of the last expected panic.
    static FILE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The panic message of a wrong expectation. Asserts that the panic is located at the caller's line.
fn panic_message(outcome: &Outcome, expectation: impl FnOnce(&Outcome)) -> String {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default_hook = take_hook();
        set_hook(Box::new(move |panic| {
            if EXPECTED.take() {
                FILE.set(panic.location().map(|place| place.file().to_owned()));
            } else {
                default_hook(panic);
            }
        }));
    });
    EXPECTED.set(true);
    let panic =
        catch_unwind(AssertUnwindSafe(|| expectation(outcome))).expect_err("the expectation is wrong");
    let file = FILE.take().expect("the panic has a location");
    assert!(file.ends_with("r60_kit.rs"), "the panic is located in {file}");
    panic.downcast_ref::<String>().expect("the panic has a message").clone()
}

#[tokio::test]
async fn r60_a_wrong_expectation_panics_at_its_own_line_with_what_was_found() {
    let library = library().await;
    library.given(shelf(["Emma"])).await;
    let outcome = library.when(put_up_one("Ulysses")).await;

    let told = panic_message(&outcome, |outcome| {
        outcome.then_emits(shelved("Odyssey"));
    });
    let difference = "the events emitted by `PutUp` differ
- expected
+ found

  Shelved {
-   \"book\": \"Odyssey\",
+   \"book\": \"Ulysses\",
    \"shelf\": 1
  }
";
    assert!(told.starts_with(difference), "{told}");
    assert!(told.ends_with(", attempt 1): succeeded"), "{told}");

    let told = panic_message(&outcome, |outcome| {
        outcome.then_entity(&shelf(["Emma"]));
    });
    assert!(told.contains("after `PutUp`, Shelf 1 differs\n"), "{told}");
    assert!(told.contains("+     \"Ulysses\"\n"), "{told}");

    let told = panic_message(&outcome, |outcome| {
        outcome.then_changes_nothing();
    });
    assert!(told.contains("- nothing\n+ Shelved {\n"), "{told}");
    let told = panic_message(&outcome, |outcome| {
        outcome.then_returns("two");
    });
    assert!(told.contains("- \"two\"\n+ 2\n"), "{told}");
    let told = panic_message(&outcome, |outcome| {
        outcome.then_no_entity::<Shelf>(&1);
    });
    assert!(told.starts_with("after `PutUp`, Shelf 1 exists:"), "{told}");
    let told = panic_message(&outcome, |outcome| {
        outcome.then_publishes(Buy { next_to: 1 });
    });
    assert!(told.contains("- Buy {\n"), "{told}");
    let told = panic_message(&outcome, |outcome| {
        outcome.then_fails(FailureKind::Violated, "not_overloaded");
    });
    assert!(
        told.starts_with("expected `PutUp` to fail as violated (not_overloaded); `PutUp` (job "),
        "{told}"
    );
    let told = panic_message(&outcome, |outcome| {
        outcome.then_ran(["PutUp", "praise"]);
    });
    assert!(told.contains("  PutUp\n- praise\n"), "{told}");
    // The right expectations hold on the same outcome.
    outcome.then_emits(shelved("Ulysses")).then_entity(&shelf(["Emma", "Ulysses"]));
}

#[tokio::test]
async fn r60_an_unexpected_failure_is_reported_with_its_step_and_its_retry() {
    let library = TestRuntime::builder().provide::<dyn Treasurer>(Arc::new(Stingy)).start().await;
    let outcome = library.when(Buy { next_to: 1 }).await;

    let told = panic_message(&outcome, |outcome| {
        outcome.then_succeeds();
    });
    assert!(told.starts_with("expected `Buy` to succeed; `Buy` (job "), "{told}");
    let end = ", attempt 1): failed at step handle: error (error): there is no money; now waiting until \
               2030-01-01T00:01:00Z";
    assert!(told.ends_with(end), "{told}");
    let wrong: [fn(&Outcome) -> &Outcome; 4] = [
        |outcome| outcome.then_fails(FailureKind::Error, "another"),
        |outcome| outcome.then_gives_up(),
        |outcome| outcome.then_retries_in(Duration::from_secs(61)),
        |outcome| outcome.then_crashes(),
    ];
    for wrong in wrong {
        panic_message(&outcome, |outcome| {
            wrong(outcome);
        });
    }
    outcome
        .then_fails(FailureKind::Error, "error")
        .then_retries_in(Duration::from_mins(1))
        .then_changes_nothing();
}

#[tokio::test]
async fn r60_then_changes_nothing_covers_every_entity() {
    let library = library().await;
    let outcome = library.when_event(shelved("Emma")).await;
    let told = panic_message(&outcome, |outcome| {
        outcome.then_changes_nothing();
    });
    assert!(told.contains("changed entities\n"), "{told}");
    assert!(told.contains("+ Entry Emma, version 1: {\n"), "{told}");
}
