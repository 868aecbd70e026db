//! The seven steps and their order (r10), creation policies (r12), atomic commits (r15) and invariants (r16).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Log, World, job, jobs, on_every_store, settle};
use enact::Cursor;
use enact::prelude::*;
use enact::{Attempt, Step};

/// A jar of sweets.
#[entity]
#[derive(Debug, PartialEq)]
struct Jar {
    id: String,
    sweets: i64,
    label: String,
}

/// Sweets have been taken.
#[event]
struct Taken {
    sweets: i64,
}

/// Report that sweets were taken.
#[command]
struct Tell {
    sweets: i64,
}

#[command]
async fn tell(tell: Tell, log: Arc<Log>) {
    log.note(format!("told of {}", tell.sweets));
}

#[event_handler]
async fn hears(taken: Taken, log: Arc<Log>) {
    log.note(format!("heard of {}", taken.sweets));
}

/// How the handler of `Take` ends, after it has staged an entity, an event and a command.
#[value]
#[derive(Clone, Copy, Debug)]
enum End {
    Well,
    Error,
    Panic,
    Denied,
    BadEvent,
    BadCommand,
    OtherIdentity,
}

/// Take sweets out of a jar.
#[command(target = jar)]
struct Take {
    jar: String,
    sweets: i64,
    end: End,
}

#[command]
async fn take(take: Take, jar: &mut Jar, log: Arc<Log>) -> Result<i64, Failure> {
    log.note("taking");
    jar.sweets -= take.sweets;
    jar.label = format!("{} left", jar.sweets);
    emit(Taken { sweets: take.sweets });
    publish(Tell { sweets: take.sweets });
    match take.end {
        End::Well => {}
        End::Error => return Err(Failure::new(FailureKind::Error, "sticky", "the lid is stuck")),
        End::Denied => return Err(Failure::denied("not before dinner")),
        End::Panic => panic!("dropped the jar"),
        End::BadEvent => _ = emit(Bounded { number: 0 }),
        End::BadCommand => _ = publish(Within { number: 0 }),
        End::OtherIdentity => "another".clone_into(&mut jar.id),
    }
    Ok(jar.sweets)
}

/// An event whose schema demands at least one.
#[event]
struct Bounded {
    #[schemars(range(min = 1))]
    number: i64,
}

/// A command whose schema demands at least one.
#[command]
struct Within {
    #[schemars(range(min = 1))]
    number: i64,
}

#[command]
async fn within(within: Within, log: Arc<Log>) {
    log.note(format!("within {}", within.number));
}

/// The jar has enough sweets.
#[invariant(when = Take, code = "enough")]
fn has_enough(jar: &Jar, take: &Take) -> Result<(), String> {
    if take.sweets <= jar.sweets + 100 {
        Ok(())
    } else {
        Err(format!("{} is more than there is", take.sweets))
    }
}

/// Nobody takes more than fifty.
#[invariant(when = Take)]
fn modest(_: &Jar, take: &Take) -> bool {
    take.sweets <= 150
}

/// At most ten at a time.
#[invariant(when = Taken)]
fn at_most_ten(_: &Jar, taken: &Taken) -> bool {
    taken.sweets <= 10
}

/// A jar never owes sweets.
#[invariant]
fn never_owes(jar: &Jar) -> bool {
    jar.sweets >= 0
}

/// A label is short.
#[invariant(message = "A label has no more than ten letters.")]
fn short_label(jar: &Jar) -> bool {
    jar.label.len() <= 10
}

/// Create a jar.
#[command(target = jar)]
struct Begin {
    jar: String,
    sweets: i64,
}

impl From<&Begin> for Jar {
    fn from(begin: &Begin) -> Self {
        Self { id: begin.jar.clone(), sweets: begin.sweets, label: "new".to_owned() }
    }
}

#[command(create = always)]
async fn begin_jar(begin: Begin, jar: &mut Jar, log: Arc<Log>) {
    log.note(format!("begun {} with {}", begin.jar, jar.sweets));
}

/// Put sweets into a jar; create it if it is missing.
#[command(target = jar)]
struct Fill {
    jar: String,
    sweets: i64,
}

impl From<&Fill> for Jar {
    fn from(fill: &Fill) -> Self {
        // Not empty, so that a test can tell whether the handler ran on the new jar.
        Self { id: fill.jar.clone(), sweets: 1000, label: "found".to_owned() }
    }
}

#[command(create = if_missing)]
async fn fill(fill: Fill, jar: &mut Jar) {
    jar.sweets += fill.sweets;
}

/// Create a jar whose id differs from the command's target.
#[command(target = jar)]
struct Mislabel {
    jar: String,
}

impl From<&Mislabel> for Jar {
    fn from(_: &Mislabel) -> Self {
        Self { id: "wrong".to_owned(), sweets: 0, label: String::new() }
    }
}

#[command(create = always)]
async fn mislabel(_: Mislabel, _jar: &mut Jar, log: Arc<Log>) {
    log.note("mislabelled");
}

async fn start(world: &World) -> (Runtime, Arc<Log>) {
    let log = Log::new();
    (world.builder().provide::<Log>(log.clone()).start().await.unwrap(), log)
}

async fn jar(runtime: &Runtime) -> Option<Jar> {
    runtime.entities::<Jar>().get(&"j".to_owned()).await.unwrap()
}

/// Starts a runtime on a store that holds a jar of ten sweets. Its log is empty.
async fn with_ten(world: &World) -> (Runtime, Arc<Log>) {
    let (runtime, _) = start(world).await;
    runtime.execute(Begin { jar: "j".to_owned(), sweets: 10 }).await.unwrap();
    drop(runtime);
    start(world).await
}

async fn take_of(runtime: &Runtime, sweets: i64, end: End) -> (Result<i64, Failure>, Attempt) {
    let taken = runtime.execute(Take { jar: "j".to_owned(), sweets, end }).await;
    let stored = jobs(runtime).await;
    let take = stored.iter().rfind(|job| &*job.name == "Take").unwrap();
    let attempts = runtime.jobs().attempts(take.id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].failure.as_ref(), taken.as_ref().err());
    (taken, attempts[0].clone())
}

async fn r10_each_step_refuses_before_the_next_begins(world: World) {
    let (runtime, log) = start(&world).await;
    let (missing, attempt) = take_of(&runtime, 151, End::Well).await;
    assert_eq!((missing.unwrap_err().kind(), attempt.reached), (FailureKind::NotFound, Some(Step::Load)));

    runtime.execute(Begin { jar: "j".to_owned(), sweets: 10 }).await.unwrap();
    let (before, attempt) = take_of(&runtime, 151, End::Error).await;
    assert_eq!((before.unwrap_err().code(), attempt.reached), ("enough", Some(Step::CheckBefore)));
    assert_eq!(log.lines(), ["begun j with 10"], "the handler of `Take` did not run");

    let (handled, attempt) = take_of(&runtime, 11, End::Error).await;
    assert_eq!((handled.unwrap_err().code(), attempt.reached), ("sticky", Some(Step::Handle)));

    let (after, attempt) = take_of(&runtime, 11, End::Well).await;
    assert_eq!((after.unwrap_err().code(), attempt.reached), ("at_most_ten", Some(Step::CheckAfter)));

    let (taken, attempt) = take_of(&runtime, 1, End::Well).await;
    assert_eq!((taken.unwrap(), attempt.reached), (9, Some(Step::Commit)));
    assert_eq!((attempt.version_read, attempt.version_written), (Some(1), Some(2)));
}

async fn r12_always_creates_the_entity_from_the_command(world: World) {
    let (runtime, _) = start(&world).await;
    runtime.execute(Begin { jar: "j".to_owned(), sweets: 3 }).await.unwrap();
    assert_eq!(jar(&runtime).await.unwrap(), Jar { id: "j".to_owned(), sweets: 3, label: "new".to_owned() });
    let id = jobs(&runtime).await[0].id;
    let attempt = &runtime.jobs().attempts(id).await.unwrap()[0];
    assert_eq!((attempt.version_read, attempt.version_written), (None, Some(1)));
}

async fn r12_always_refuses_an_entity_that_exists(world: World) {
    let (runtime, log) = with_ten(&world).await;
    let refusal = runtime.execute(Begin { jar: "j".to_owned(), sweets: 99 }).await.unwrap_err();
    assert_eq!(common::kind_and_code(&refusal), (FailureKind::AlreadyExists, "already_exists"));
    assert_eq!(jar(&runtime).await.unwrap().sweets, 10);
    assert!(log.lines().is_empty());
}

async fn r12_never_refuses_an_entity_that_is_missing(world: World) {
    let (runtime, log) = start(&world).await;
    let (refusal, attempt) = take_of(&runtime, 1, End::Well).await;
    assert_eq!(common::kind_and_code(&refusal.unwrap_err()), (FailureKind::NotFound, "not_found"));
    assert_eq!(attempt.version_read, None);
    assert!(jar(&runtime).await.is_none());
    assert!(log.lines().is_empty());
}

async fn r12_never_loads_an_entity_that_exists(world: World) {
    let (runtime, _) = with_ten(&world).await;
    assert_eq!(take_of(&runtime, 4, End::Well).await.0.unwrap(), 6);
    assert_eq!(jar(&runtime).await.unwrap().sweets, 6);
}

async fn r12_if_missing_creates_then_loads(world: World) {
    let (runtime, _) = start(&world).await;
    let fill = |sweets| runtime.execute(Fill { jar: "j".to_owned(), sweets });
    fill(1).await.unwrap();
    assert_eq!(jar(&runtime).await.unwrap().sweets, 1001);
    fill(2).await.unwrap();
    assert_eq!(jar(&runtime).await.unwrap().sweets, 1003);
}

async fn r12_an_entity_is_created_with_the_id_that_the_command_targets(world: World) {
    let (runtime, log) = start(&world).await;
    let refusal = runtime.execute(Mislabel { jar: "j".to_owned() }).await.unwrap_err();
    assert_eq!(common::kind_and_code(&refusal), (FailureKind::Error, "wrong_identity"));
    assert!(runtime.entities::<Jar>().list(None, 10).await.unwrap().is_empty());
    assert!(log.lines().is_empty());
}

/// Runs a `Take` that stages an entity, an event and a command and then fails. Asserts that nothing but its attempt remains.
async fn leaves_nothing(world: &World, sweets: i64, end: End, kind: FailureKind, code: &str) {
    let (runtime, log) = with_ten(world).await;
    let before = jobs(&runtime).await.len();
    let version = version(world).await;

    let (taken, attempt) = take_of(&runtime, sweets, end).await;
    let failure = taken.unwrap_err();
    assert_eq!(common::kind_and_code(&failure), (kind, code));
    assert_eq!(log.lines(), ["taking"], "the handler ran and staged");

    settle().await;
    assert_eq!(jar(&runtime).await.unwrap(), Jar { id: "j".to_owned(), sweets: 10, label: "new".to_owned() });
    assert_eq!(self::version(world).await, version);
    assert!(runtime.events().list(&Cursor::START, 10).await.unwrap().is_empty());
    let stored = jobs(&runtime).await;
    assert_eq!(stored.len(), before + 1, "only the job itself: {stored:?}");
    let take = job(&runtime, stored[before].id).await;
    assert_eq!((take.state, take.failure.as_ref(), take.output), (JobState::Failed, Some(&failure), None));
    assert_eq!((attempt.version_written, attempt.events.len()), (None, 0));
    assert_eq!(attempt.ended_at, Some(world.now()));
    assert_eq!(log.lines(), ["taking"]);
    // The runtime still works.
    assert_eq!(take_of(&runtime, 1, End::Well).await.0.unwrap(), 9);
}

async fn version(world: &World) -> u64 {
    let key = enact::store::EntityKey { entity: "Jar", id: enact::Key::of("j").unwrap() };
    world.store().load(&key).await.unwrap().unwrap().version
}

async fn r15_a_returned_error_leaves_nothing_but_the_attempt(world: World) {
    leaves_nothing(&world, 1, End::Error, FailureKind::Error, "sticky").await;
}

async fn r15_a_denial_leaves_nothing_but_the_attempt(world: World) {
    leaves_nothing(&world, 1, End::Denied, FailureKind::Denied, "denied").await;
}

async fn r15_a_panic_leaves_nothing_but_the_attempt(world: World) {
    leaves_nothing(&world, 1, End::Panic, FailureKind::Panicked, "panicked").await;
}

async fn r15_a_violated_invariant_leaves_nothing_but_the_attempt(world: World) {
    leaves_nothing(&world, 11, End::Well, FailureKind::Violated, "at_most_ten").await;
}

async fn r15_an_invalid_event_leaves_nothing_but_the_attempt(world: World) {
    leaves_nothing(&world, 1, End::BadEvent, FailureKind::Invalid, "minimum").await;
}

async fn r15_an_invalid_staged_command_leaves_nothing_but_the_attempt(world: World) {
    leaves_nothing(&world, 1, End::BadCommand, FailureKind::Invalid, "minimum").await;
}

async fn r15_a_changed_entity_id_leaves_nothing_but_the_attempt(world: World) {
    leaves_nothing(&world, 1, End::OtherIdentity, FailureKind::Error, "wrong_identity").await;
}

async fn r15_success_commits_all_that_was_staged(world: World) {
    let (runtime, log) = with_ten(&world).await;
    assert_eq!(take_of(&runtime, 2, End::Well).await.0.unwrap(), 8);
    assert_eq!(jar(&runtime).await.unwrap().sweets, 8);
    let events = runtime.events().list(&Cursor::START, 10).await.unwrap();
    assert_eq!(events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["Taken"]);
    common::until("both handlers have run", async || log.lines().len() == 3).await;
    let mut lines = log.lines();
    lines.sort();
    assert_eq!(lines, ["heard of 2", "taking", "told of 2"]);
}

async fn r16_all_invariants_before_the_handler_are_reported(world: World) {
    let (runtime, _) = with_ten(&world).await;
    let failure = take_of(&runtime, 151, End::Well).await.0.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Violated);
    assert_eq!(
        codes_and_messages(&failure),
        [("enough", "151 is more than there is"), ("modest", "Nobody takes more than fifty."),]
    );
    assert_eq!(failure.code(), failure.violations()[0].code());
}

async fn r16_all_invariants_after_the_handler_are_reported_those_of_events_first(world: World) {
    let (runtime, _) = with_ten(&world).await;
    let failure = take_of(&runtime, 110, End::Well).await.0.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Violated);
    assert_eq!(failure.code(), "at_most_ten");
    let mut codes_and_messages = codes_and_messages(&failure);
    assert_eq!(codes_and_messages.remove(0), ("at_most_ten", "At most ten at a time."));
    codes_and_messages.sort_unstable();
    assert_eq!(codes_and_messages, [("never_owes", "A jar never owes sweets.")]);

    let failure = runtime.execute(Fill { jar: "j".to_owned(), sweets: -11 }).await.unwrap_err();
    assert_eq!(failure.code(), "never_owes");
}

async fn r16_an_invariant_checks_a_created_entity_too(world: World) {
    let (runtime, _) = start(&world).await;
    let failure = runtime.execute(Begin { jar: "j".to_owned(), sweets: -1 }).await.unwrap_err();
    assert_eq!(codes_and_messages(&failure), [("never_owes", "A jar never owes sweets.")]);
    assert!(failure.violations()[0].pointer().is_none());
    assert!(jar(&runtime).await.is_none());
}

async fn r16_an_explicit_message_replaces_the_doc_comment(world: World) {
    let (runtime, _) = start(&world).await;
    runtime.execute(Begin { jar: "j".to_owned(), sweets: 1_000_000 }).await.unwrap();
    let failure = take_of(&runtime, 1, End::Well).await.0.unwrap_err();
    assert_eq!(codes_and_messages(&failure), [("short_label", "A label has no more than ten letters.")]);
}

fn codes_and_messages(failure: &Failure) -> Vec<(&str, &str)> {
    failure.violations().iter().map(|violation| (violation.code(), violation.message())).collect()
}

on_every_store!(
    r10_each_step_refuses_before_the_next_begins,
    r12_always_creates_the_entity_from_the_command,
    r12_always_refuses_an_entity_that_exists,
    r12_never_refuses_an_entity_that_is_missing,
    r12_never_loads_an_entity_that_exists,
    r12_if_missing_creates_then_loads,
    r12_an_entity_is_created_with_the_id_that_the_command_targets,
    r15_a_returned_error_leaves_nothing_but_the_attempt,
    r15_a_denial_leaves_nothing_but_the_attempt,
    r15_a_panic_leaves_nothing_but_the_attempt,
    r15_a_violated_invariant_leaves_nothing_but_the_attempt,
    r15_an_invalid_event_leaves_nothing_but_the_attempt,
    r15_an_invalid_staged_command_leaves_nothing_but_the_attempt,
    r15_a_changed_entity_id_leaves_nothing_but_the_attempt,
    r15_success_commits_all_that_was_staged,
    r16_all_invariants_before_the_handler_are_reported,
    r16_all_invariants_after_the_handler_are_reported_those_of_events_first,
    r16_an_invariant_checks_a_created_entity_too,
    r16_an_explicit_message_replaces_the_doc_comment,
);
