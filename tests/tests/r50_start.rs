//! A domain in which everything is wrong: `start()` lists all of it at once, each at its place (r50). It is linked into
//! a program of its own, since registration is the program's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "nothing of this domain ever runs")]

use enact::invariant::Verdict;
use enact::prelude::*;
use enact::{
    Command, CommandHandler, Event, HasOneHandler, Invariant, MemoryStore, Registration, StartError,
    Untargeted, source,
};
use serde::{Deserialize, Serialize};

// Each constant is the line of the mistake below it.

const LONELY: u32 = line!() + 1;
#[command]
struct Lonely {}

/// Nobody provides this.
trait Absent: Send + Sync {}

#[command]
struct Needy {}

const NEEDY: u32 = line!() + 1;
#[command]
async fn needy(_: Needy, _absent: Arc<dyn Absent>, _also: Arc<Vec<u8>>) {}

#[command(name = "twice")]
struct Once {}

const TWICE: u32 = line!() + 1;
#[command(name = "twice")]
struct Twice {}

#[command]
async fn once(_: Once) {}

#[command]
async fn twice(_: Twice) {}

#[event]
struct Happened {}

const HANDLER_NAMED_AS_COMMAND: u32 = line!() + 1;
#[event_handler(name = "Needy")]
async fn named_as_a_command(_: Happened) {}

const SAME_EVENT: u32 = line!() + 1;
#[event(name = "Happened")]
struct HappenedAgain {}

#[entity]
struct Thing {
    id: String,
}

const SAME_ENTITY: u32 = line!() + 1;
#[entity(name = "Thing")]
struct OtherThing {
    id: String,
}

/// Something about things.
#[invariant]
fn sound(_: &Thing) -> bool {
    true
}

const SAME_CODE: u32 = line!() + 2;
/// Something else about things.
#[invariant(code = "sound")]
fn also_sound(_: &Thing) -> bool {
    true
}

/// An invariant that nothing checks: what it is scoped by binds no `Thing`. An attribute would refuse it.
struct Unchecked;

impl Invariant for Unchecked {
    type Entity = Thing;
    type When = Needy;
    const CODE: &'static str = "unchecked";
    const MESSAGE: &'static str = "It is never checked.";

    fn check(_: &Thing, _: &Needy) -> Verdict {
        Verdict::Holds
    }
}

const UNCHECKED: u32 = line!() + 1;
enact::register! { Registration::invariant::<Unchecked>(source!()) }

/// A command with two handlers, which the compiler would refuse of the attribute.
#[command]
struct Courted {}

impl HasOneHandler for Courted {
    type Output = ();
    type Entity = ();
}

struct Suitor;
struct Rival;

impl CommandHandler for Suitor {
    type Command = Courted;

    async fn handle(_: Courted, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

impl CommandHandler for Rival {
    type Command = Courted;

    async fn handle(_: Courted, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

const SUITOR: u32 = line!() + 1;
enact::register! { Registration::command_handler::<Suitor>(source!()) }
const RIVAL: u32 = line!() + 1;
enact::register! { Registration::command_handler::<Rival>(source!()) }

/// A command that was written by hand and never registered.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Unregistered {}

impl Command for Unregistered {
    const NAME: &'static str = "Unregistered";
}

impl Untargeted for Unregistered {}

impl HasOneHandler for Unregistered {
    type Output = ();
    type Entity = ();
}

struct HandlesUnregistered;

impl CommandHandler for HandlesUnregistered {
    type Command = Unregistered;

    async fn handle(_: Unregistered, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

const UNREGISTERED_COMMAND: u32 = line!() + 1;
enact::register! { Registration::command_handler::<HandlesUnregistered>(source!()) }

/// An event that was written by hand and never registered.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct UnregisteredEvent {}

impl Event for UnregisteredEvent {
    const NAME: &'static str = "UnregisteredEvent";
}

const UNREGISTERED_EVENT: u32 = line!() + 1;
#[event_handler]
async fn hears_unregistered(_: UnregisteredEvent) {}

const BAD_PATTERN: u32 = line!() + 1;
#[command]
struct BadPattern {
    #[schemars(regex(pattern = "("))]
    text: String,
}

#[command]
async fn bad_pattern(_: BadPattern) {}

async fn start() -> StartError {
    Runtime::builder(MemoryStore::new()).start().await.unwrap_err()
}

#[tokio::test]
async fn r50_start_lists_every_problem_at_once_with_its_place() {
    let error = start().await;
    // The two handlers of one command come in the order in which they were linked.
    let two_handlers = |line| line == SUITOR || line == RIVAL;
    let second_handler =
        error.problems().iter().map(|problem| problem.source().line).find(|line| two_handlers(*line));
    let mut expected = vec![
        (LONELY, "the command `Lonely` has no handler"),
        (NEEDY, "needs a capability that was not provided: call `.provide::<alloc::vec::Vec<u8>>(…)`"),
        (NEEDY, "Absent>(…)` on the runtime's builder"),
        (TWICE, "`twice` is the name of another command or event handler already"),
        (HANDLER_NAMED_AS_COMMAND, "`Needy` is the name of another command or event handler already"),
        (SAME_EVENT, "`Happened` is the name of another event already"),
        (SAME_ENTITY, "`Thing` is the name of another entity already"),
        (SAME_CODE, "`sound` is the name of another invariant of `Thing` already"),
        (UNCHECKED, "the invariant `unchecked` is never checked"),
        (second_handler.expect("two handlers are a problem"), "`Courted` has a handler already"),
        (UNREGISTERED_COMMAND, "this handles the command `Unregistered`, which is not registered"),
        (UNREGISTERED_EVENT, "this handles the event `UnregisteredEvent`, which is not registered"),
        (BAD_PATTERN, "`BadPattern` cannot be checked: its schema is wrong"),
    ];
    expected.sort_unstable();
    for problem in error.problems() {
        assert!(problem.source().file.ends_with("tests/r50_start.rs"), "{problem}");
        let found = expected
            .iter()
            .position(|(line, text)| *line == problem.source().line && problem.message().contains(text));
        assert!(found.is_some(), "this was not expected: {problem}\n{expected:#?}");
        expected.remove(found.unwrap());
    }
    assert!(expected.is_empty(), "these are missing: {expected:#?}\n{error}");
}

#[tokio::test]
async fn r50_problems_stand_in_the_order_of_the_source_and_read_as_compiler_errors_do() {
    let error = start().await;
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.source().line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let text = error.to_string();
    assert!(text.starts_with("the domain has 13 problems:\n  "), "{text}");
    let lonely = format!("tests/r50_start.rs:{LONELY}: the command `Lonely` has no handler");
    assert!(text.contains(&lonely), "{text}");
}

#[tokio::test]
async fn r50_what_was_named_first_is_pointed_at() {
    let error = start().await;
    let twice = error.problems().iter().find(|problem| problem.source().line == TWICE).unwrap();
    let first = format!("r50_start.rs:{}; ", TWICE - 4);
    assert!(twice.message().contains(&first), "{twice}");
}
