//! A domain full of mistakes: `start()` reports all of them at once, each with its place in the source (r50). Registration
//! is global to a program, so this domain has a test program of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "nothing of this domain ever runs")]

use enact::invariant::Verdict;
use enact::prelude::*;
use enact::strategy::AnyVariant;
use enact::{
    Command, CommandHandler, Entity, Event, Handler, HasOneHandler, HasOnePolicy, Invariant, MemoryStore,
    Problem, Registration, StartError, Strategy, Untargeted, Variant, source,
};
use serde::{Deserialize, Serialize};

// Each constant is the line of the mistake below it.

const LONELY: u32 = line!() + 1;
#[command(name = "lonely")]
struct Lonely {}

/// A capability that is not provided.
trait Absent: Send + Sync {}

#[command]
struct Needy {}

const NEEDY: u32 = line!() + 1;
#[command]
async fn needy(_: Needy, _absent: Arc<dyn Absent>, _also: Arc<Vec<u8>>) {}

const ALSO_NEEDY: u32 = line!() + 1;
#[event_handler]
async fn also_needy(_: Happened, _absent: Arc<dyn Absent>) {}

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

/// Writes a `Thing`.
#[command]
struct Save {}

#[command]
async fn save(_: Save, _things: Repository<Thing>) {}

const SAME_ENTITY: u32 = line!() + 1;
#[entity(name = "Thing")]
struct OtherThing {
    id: String,
}

/// A thing is sound.
#[invariant]
fn sound(_: &Thing) -> bool {
    true
}

const SAME_CODE: u32 = line!() + 2;
/// A thing is also sound.
#[invariant(code = "sound")]
fn also_sound(_: &Thing) -> bool {
    true
}

/// An invariant that is never checked: the command of its `When` binds no `Thing`. The attribute would refuse it.
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

/// An entity that no handler writes.
#[entity]
struct Idle {
    id: String,
}

const IDLE: u32 = line!() + 2;
/// An idle thing is sound.
#[invariant]
fn idle(_: &Idle) -> bool {
    true
}

/// An entity written by hand and never registered.
#[derive(Serialize, Deserialize)]
struct Unnamed {
    id: String,
}

impl Entity for Unnamed {
    const NAME: &'static str = "Unnamed";
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }
}

#[command(target = unnamed)]
struct Bind {
    unnamed: String,
}

const UNREGISTERED_ENTITY: u32 = line!() + 1;
#[command]
async fn bind(_: Bind, _unnamed: &mut Unnamed) {}

/// A command whose alias is the name of another.
const SHADOWING: u32 = line!() + 1;
#[command(alias = "twice")]
struct Shadowing {}

#[command]
async fn shadowing(_: Shadowing) {}

const HEIR: u32 = line!() + 1;
#[command(alias = ["heirloom", "of_its_own"])]
struct Heir {}

#[command]
async fn heir(_: Heir) {}

const OTHER_HEIR: u32 = line!() + 1;
#[event_handler(alias = "heirloom")]
async fn other_heir(_: Happened) {}

const SELF_ALIAS: u32 = line!() + 1;
#[event_handler(alias = "self_alias")]
async fn self_alias(_: Happened) {}

/// A command that another program handles.
const REMOTE: u32 = line!() + 1;
#[command(remote)]
struct Elsewhere {}

struct HandlesElsewhere;

impl Handler for HandlesElsewhere {}

impl CommandHandler for HandlesElsewhere {
    type Command = Elsewhere;

    async fn handle(_: Elsewhere, _: &ExecutionContext) -> Result<serde_json::Value, Failure> {
        Ok(serde_json::Value::Null)
    }
}

const HANDLES_REMOTE: u32 = line!() + 1;
enact::register! { Registration::command_handler::<HandlesElsewhere>(source!()) }

/// A strategy whose policy is written by hand and never registered.
#[strategy]
trait Undecided {}

#[strategy(variant)]
impl Undecided for Suitor {}

impl HasOnePolicy for dyn Undecided {
    fn select(_: &ExecutionContext) -> Result<Box<Self>, Failure> {
        Ok(Box::new(Suitor))
    }
}

#[command]
struct Draw {}

const DRAWS_UNDECIDED: u32 = line!() + 1;
#[command]
async fn draw(_: Draw, _undecided: Box<dyn Undecided>) {}

/// A strategy written by hand and never registered, unlike its policy.
trait Hidden: AnyVariant<HiddenTag> + Send + Sync {}

struct HiddenTag;

impl Strategy for dyn Hidden {
    const NAME: &'static str = "Hidden";
    type Tag = HiddenTag;
}

impl Hidden for Suitor {}

impl Variant<HiddenTag> for Suitor {
    const NAME: &'static str = "suitor";
}

impl HasOnePolicy for dyn Hidden {
    fn select(_: &ExecutionContext) -> Result<Box<Self>, Failure> {
        Ok(Box::new(Suitor))
    }
}

enact::register! { Registration::policy::<dyn Hidden>(source!()) }

const DRAWS_HIDDEN: u32 = line!() + 1;
#[event_handler]
async fn draws_hidden(_: Happened, _hidden: Box<dyn Hidden>) {}

/// A strategy with two policies and two variants of one name. The attributes would refuse both.
#[strategy]
trait Decided {}

impl Decided for Suitor {}
impl Decided for Rival {}

impl Variant<<dyn Decided as Strategy>::Tag> for Suitor {
    const NAME: &'static str = "bold";
}

impl Variant<<dyn Decided as Strategy>::Tag> for Rival {
    const NAME: &'static str = "bold";
}

enact::register! { Registration::variant::<dyn Decided, Suitor>(source!()) }
const SAME_VARIANT: u32 = line!() + 1;
enact::register! { Registration::variant::<dyn Decided, Rival>(source!()) }

#[strategy(policy)]
fn decide(_: &ExecutionContext) -> Box<dyn Decided> {
    Box::new(Suitor)
}

const SECOND_POLICY: u32 = line!() + 1;
enact::register! { Registration::policy::<dyn Decided>(source!()) }

const SAME_STRATEGY: u32 = line!() + 1;
#[strategy(name = "Decided")]
trait AlsoDecided {}

/// A command with two handlers. The attribute would refuse it.
#[command]
struct Courted {}

impl HasOneHandler for Courted {
    type Output = ();
    type Entity = ();
}

struct Suitor;
struct Rival;

impl Handler for Suitor {}

impl CommandHandler for Suitor {
    type Command = Courted;

    async fn handle(_: Courted, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

impl Handler for Rival {}

impl CommandHandler for Rival {
    type Command = Courted;

    async fn handle(_: Courted, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

enact::register! { Registration::command_handler::<Suitor>(source!()) }
const RIVAL: u32 = line!() + 1;
enact::register! { Registration::command_handler::<Rival>(source!()) }

/// A command written by hand and never registered.
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

impl Handler for HandlesUnregistered {}

impl CommandHandler for HandlesUnregistered {
    type Command = Unregistered;

    async fn handle(_: Unregistered, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

const UNREGISTERED_COMMAND: u32 = line!() + 1;
enact::register! { Registration::command_handler::<HandlesUnregistered>(source!()) }

/// An event written by hand and never registered.
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

#[command]
struct Hasty {}

impl From<Tick> for Hasty {
    fn from(_: Tick) -> Self {
        Self {}
    }
}

const HASTY: u32 = line!() + 1;
#[command(every = Duration::from_millis(500))]
async fn hasty(_: Hasty) {}

#[command]
struct Never {}

impl From<Tick> for Never {
    fn from(_: Tick) -> Self {
        Self {}
    }
}

const NEVER: u32 = line!() + 1;
#[command(cron = "0 0 30 2 *")]
async fn never(_: Never) {}

#[command]
struct Garbled {}

impl From<Tick> for Garbled {
    fn from(_: Tick) -> Self {
        Self {}
    }
}

const GARBLED: u32 = line!() + 1;
#[command(cron = "61 * * * *")]
async fn garbled(_: Garbled) {}

async fn start() -> StartError {
    Runtime::builder(MemoryStore::new()).start().await.unwrap_err()
}

#[tokio::test]
async fn r50_start_reports_every_problem_at_once_with_its_source() {
    let error = start().await;
    let expected = [
        (LONELY, "the command `lonely` has no handler: write `#[command] async fn …(command: Lonely, …)`"),
        (
            NEEDY,
            "`alloc::vec::Vec<u8>` is required by the handler of `Needy`, but not provided: call `.provide::",
        ),
        (NEEDY, "Absent` is required by the handler of `Needy` and `also_needy` (tests/tests/r50_start.rs:"),
        (TWICE, "`twice` is already the name of another command or event handler, at "),
        (HANDLER_NAMED_AS_COMMAND, "`Needy` is already the name of another command or event handler, at "),
        (SAME_EVENT, "`Happened` is already the name of another event, at "),
        (SAME_ENTITY, "`Thing` is already the name of another entity, at "),
        (SAME_CODE, "`sound` is already the name of another invariant of `Thing`, at "),
        (UNCHECKED, "the invariant `unchecked` of `Thing` is never checked: `r50_start::Needy` is neither"),
        (IDLE, "the invariant `idle` of `Idle` is never checked: no handler takes `&mut Idle` or `Repos"),
        (UNREGISTERED_ENTITY, "the entity `Unnamed` is used here, but not registered"),
        (
            SHADOWING,
            "`Shadowing` cannot have the alias `twice`, which is the name of another command or event",
        ),
        (
            OTHER_HEIR,
            "`other_heir` cannot have the alias `heirloom`, which is already an alias of `Heir`, at ",
        ),
        (SELF_ALIAS, "the alias `self_alias` of `self_alias` is redundant"),
        (HANDLES_REMOTE, "`Elsewhere` has a handler here, but is declared as `remote`, at "),
        (DRAWS_UNDECIDED, "the strategy `Undecided` is used by the handler of `Draw`, but has no policy"),
        (DRAWS_HIDDEN, "the strategy `Hidden` is used by `draws_hidden`, but not registered"),
        (SAME_VARIANT, "`bold` is already the name of another variant of `Decided`, at "),
        (SECOND_POLICY, "`Decided` already has a policy, at "),
        (SAME_STRATEGY, "`Decided` is already the name of another strategy, at "),
        (RIVAL, "`Courted` already has a handler, at "),
        (UNREGISTERED_COMMAND, "the command `Unregistered` is handled here, but not registered"),
        (UNREGISTERED_EVENT, "the event `UnregisteredEvent` is handled here, but not registered"),
        (BAD_PATTERN, "the JSON Schema of `BadPattern` is invalid at `/properties/"),
        (HASTY, "the schedule of `Hasty` is invalid: the period 500ms is too short: write at least `every"),
        (NEVER, "the schedule of `Never` is invalid: the cron pattern `0 0 30 2 *` never matches"),
        (
            GARBLED,
            "the schedule of `Garbled` is invalid: `61 * * * *` is not a cron pattern: write `minute hour",
        ),
    ];
    assert_eq!(error.problems().len(), expected.len(), "{error}");
    for (line, text) in expected {
        let is_it = |problem: &&Problem| problem.source().line == line && problem.message().contains(text);
        let problem = error.problems().iter().find(is_it);
        let problem = problem.unwrap_or_else(|| panic!("line {line}: {text}\n{error}"));
        assert!(problem.source().file.ends_with("tests/r50_start.rs"), "{problem}");
    }
}

#[tokio::test]
async fn r50_problems_are_in_source_order_and_read_like_compiler_errors() {
    let error = start().await;
    let lines: Vec<_> = error.problems().iter().map(|problem| problem.source().line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let text = error.to_string();
    assert!(text.starts_with("the runtime cannot start because of 27 problems:\n  "), "{text}");
    let lonely = format!("tests/r50_start.rs:{LONELY}: the command `lonely` has no handler");
    assert!(text.contains(&lonely), "{text}");
}

#[tokio::test]
async fn r50_a_problem_names_the_other_place_too() {
    let error = start().await;
    for (line, other) in [
        (TWICE, TWICE - 4),
        (SHADOWING, TWICE),
        (OTHER_HEIR, HEIR),
        (HANDLES_REMOTE, REMOTE),
        (NEEDY, ALSO_NEEDY),
        (SECOND_POLICY, SECOND_POLICY - 6),
        (SAME_VARIANT, SAME_VARIANT - 2),
        (RIVAL, RIVAL - 2),
    ] {
        let place = format!("tests/tests/r50_start.rs:{other}");
        let mut of_line = error.problems().iter().filter(|problem| problem.source().line == line);
        assert!(of_line.any(|problem| problem.message().contains(&place)), "{line}, {other}: {error}");
    }
}

#[tokio::test]
async fn r50_a_missing_capability_is_one_problem_however_many_handlers_need_it() {
    let error = start().await;
    let missing = error.problems().iter().filter(|problem| problem.message().contains("Absent` is required"));
    assert_eq!(missing.count(), 1, "{error}");
}
