//! Handlers say which queue their jobs are in (r26), and a job is in the queue of the handler that it has when it is claimed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use enact::prelude::*;
use enact::store::NewJob;
use enact::{
    Command, CommandHandler, CorrelationId, DEFAULT_QUEUE, Handler, HandlerSettings, HasOneHandler, JobId,
    JobKind, Json, Registration, Untargeted, source,
};
use serde::{Deserialize, Serialize};

use common::{Gate, World, on_every_store, settle};

/// Send a mail. Mails were sent without a queue of their own before.
#[command(alias = "Post")]
struct SendMail {}

#[command(queue = "mail")]
async fn send_mail(_: SendMail, gate: Arc<Gate>) {
    gate.pass().await;
}

/// Somebody has registered.
#[event]
struct Registered {}

#[event_handler(queue = "mail")]
async fn welcome(_: Registered, gate: Arc<Gate>) {
    gate.pass().await;
}

/// An answer that is wanted at once.
#[command]
struct Answer {}

#[command]
async fn answer(_: Answer) {}

/// A command in a queue, by hand.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct ByHand {}

impl Command for ByHand {
    const NAME: &'static str = "ByHand";
}

impl Untargeted for ByHand {}

impl HasOneHandler for ByHand {
    type Output = ();
    type Entity = ();
}

struct HandlesByHand;

impl Handler for HandlesByHand {
    fn settings() -> HandlerSettings {
        HandlerSettings::new().queue("by hand")
    }
}

impl CommandHandler for HandlesByHand {
    type Command = ByHand;

    async fn handle(_: ByHand, _: &ExecutionContext) -> Result<(), Failure> {
        Ok(())
    }
}

enact::register! { Registration::command::<ByHand>(source!()) }
enact::register! { Registration::command_handler::<HandlesByHand>(source!()) }

async fn r26_commands_and_event_handlers_of_one_queue_share_its_room(world: World) {
    let gate = Gate::new();
    let runtime = world.builder().queue("mail", 1).provide(gate.clone()).start().await.unwrap();
    runtime.publish(SendMail {}).await.unwrap();
    runtime.emit(Registered {}).await.unwrap();
    gate.arrival().await;
    settle().await;
    assert_eq!(gate.arrivals(), 0, "one at a time");
    runtime.publish(Answer {}).await.unwrap().outcome().await.unwrap();

    gate.open();
    gate.arrival().await;
    gate.open();
}

async fn r26_what_waits_is_in_the_queue_that_its_handler_is_in_now(world: World) {
    // It was put on record by a program in which it had another name, and was in no queue of its own.
    let id: JobId = "018cc251-f400-7000-8000-000000000001".parse().unwrap();
    let formerly = NewJob {
        id,
        name: "Post".into(),
        aliases: &[],
        kind: JobKind::Command,
        payload: Json::from_text("{}"),
        target: None,
        order_key: None,
        idempotency_key: None,
        correlation: CorrelationId::new("matter"),
        cause: None,
        context: Arc::default(),
        priority: 0,
        after: Vec::new(),
        due_at: None,
        deadline: None,
        max_queued: None,
        created_at: world.now(),
        repeatable: false,
        start: None,
    };
    world.store().submit(Vec::new(), vec![formerly]).await.unwrap();

    let gate = Gate::new();
    let runtime = world.builder().queue("mail", 1).provide(gate.clone()).start().await.unwrap();
    gate.arrival().await;
    let next = runtime.publish(SendMail {}).await.unwrap();
    settle().await;
    assert_eq!(gate.arrivals(), 0, "one at a time");
    gate.open_wide();
    next.outcome().await.unwrap();
}

async fn r26_the_wiring_says_which_queue_a_handler_is_in(world: World) {
    let runtime = world.builder().provide(Gate::new()).start().await.unwrap();
    let wiring = runtime.wiring();
    let queue = |command| wiring.command(command).unwrap().handler.as_ref().unwrap().settings.queue;
    assert_eq!([queue("SendMail"), queue("ByHand"), queue("Answer")], ["mail", "by hand", DEFAULT_QUEUE]);
    assert_eq!(wiring.event("Registered").unwrap().handlers[0].handler.settings.queue, "mail");
}

async fn r50_a_limit_for_a_queue_that_no_handler_is_in_is_a_problem_at_its_place(world: World) {
    let builder = world.builder().provide(Gate::new()).queue(DEFAULT_QUEUE, 1).queue("mail", 1);
    let line = line!() + 1;
    let error = builder.queue("mial", 4).start().await.unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert!(problem.source().file.ends_with("tests/r26_queues.rs"), "{problem}");
    assert_eq!(problem.source().line, line);
    let expected = "no handler is in the queue `mial`; there is `by hand`, `default`, `mail`; ";
    assert!(problem.message().starts_with(expected), "{problem}");
}

on_every_store! {
    r26_commands_and_event_handlers_of_one_queue_share_its_room,
    r26_what_waits_is_in_the_queue_that_its_handler_is_in_now,
    r26_the_wiring_says_which_queue_a_handler_is_in,
    r50_a_limit_for_a_queue_that_no_handler_is_in_is_a_problem_at_its_place,
}
