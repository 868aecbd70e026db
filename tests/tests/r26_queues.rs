//! Queues (r26): a handler names the queue of its jobs. A job is claimed from the queue that its handler names now.
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

/// Send a mail. Formerly named `Post`, and without a queue of its own.
#[command(alias = "Post")]
struct SendMail {}

#[command(queue = "mail")]
async fn send_mail(_: SendMail, gate: Arc<Gate>) {
    gate.pass().await;
}

/// A user has registered.
#[event]
struct Registered {}

#[event_handler(queue = "mail")]
async fn welcome(_: Registered, gate: Arc<Gate>) {
    gate.pass().await;
}

/// A command in the default queue.
#[command]
struct Answer {}

#[command]
async fn answer(_: Answer) {}

/// A command whose handler is written by hand.
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

async fn r26_commands_and_event_handlers_of_one_queue_share_its_limit(world: World) {
    let gate = Gate::new();
    let runtime = world.builder().queue("mail", 1).provide(gate.clone()).start().await.unwrap();
    runtime.publish(SendMail {}).await.unwrap();
    runtime.emit(Registered {}).await.unwrap();
    gate.arrival().await;
    settle().await;
    assert_eq!(gate.arrivals(), 0, "the queue runs one at a time");
    runtime.publish(Answer {}).await.unwrap().outcome().await.unwrap();

    gate.open();
    gate.arrival().await;
    gate.open();
}

async fn r26_a_stored_job_is_in_the_queue_that_its_handler_names_now(world: World) {
    // Stored by a program in which the command had another name and no queue of its own.
    let id: JobId = "018cc251-f400-7000-8000-000000000001".parse().unwrap();
    let mut formerly = NewJob::new(id, JobKind::Command, "Post", Json::from_text("{}"), world.now());
    formerly.correlation = CorrelationId::new("correlation");
    world.store().submit(Vec::new(), vec![formerly]).await.unwrap();

    let gate = Gate::new();
    let runtime = world.builder().queue("mail", 1).provide(gate.clone()).start().await.unwrap();
    gate.arrival().await;
    let next = runtime.publish(SendMail {}).await.unwrap();
    settle().await;
    assert_eq!(gate.arrivals(), 0, "the queue runs one at a time");
    gate.open_wide();
    next.outcome().await.unwrap();
}

async fn r26_the_wiring_has_the_queue_of_each_handler(world: World) {
    let runtime = world.builder().provide(Gate::new()).start().await.unwrap();
    let wiring = runtime.wiring();
    let queue = |command| wiring.command(command).unwrap().handler.as_ref().unwrap().settings.queue;
    assert_eq!([queue("SendMail"), queue("ByHand"), queue("Answer")], ["mail", "by hand", DEFAULT_QUEUE]);
    assert_eq!(wiring.event("Registered").unwrap().handlers[0].handler.settings.queue, "mail");
}

async fn r50_a_limit_for_a_queue_without_handlers_is_a_problem_with_its_source(world: World) {
    let builder = world.builder().provide(Gate::new()).queue(DEFAULT_QUEUE, 1).queue("mail", 1);
    let line = line!() + 1;
    let error = builder.queue("mial", 4).start().await.unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert!(problem.source().file.ends_with("tests/r26_queues.rs"), "{problem}");
    assert_eq!(problem.source().line, line);
    let expected = "no handler uses the queue `mial`; the queues are `by hand`, `default`, `mail`: ";
    assert!(problem.message().starts_with(expected), "{problem}");
}

async fn r50_a_limit_of_no_jobs_is_a_problem_with_its_source(world: World) {
    let line = line!() + 1;
    let builder = world.builder().provide(Gate::new()).queue("mail", 0).queue(DEFAULT_QUEUE, 1);
    let error = builder.clone().concurrency(0).start().await.unwrap_err();
    let problems: Vec<_> =
        error.problems().iter().map(|problem| (problem.source().line, problem.message())).collect();
    assert_eq!(
        problems,
        [
            (line, "`queue(\"mail\", 0)` would run no jobs of the queue; allow at least 1"),
            (line + 1, "`concurrency(0)` would run no jobs; allow at least 1, or start `without_worker()`"),
        ]
    );
    assert_eq!(format!("{error:?}"), error.to_string(), "`main` prints it by `Debug`");
    // The last value counts.
    builder.concurrency(0).concurrency(1).queue("mail", 1).start().await.unwrap();
}

on_every_store! {
    r26_commands_and_event_handlers_of_one_queue_share_its_limit,
    r26_a_stored_job_is_in_the_queue_that_its_handler_names_now,
    r26_the_wiring_has_the_queue_of_each_handler,
    r50_a_limit_for_a_queue_without_handlers_is_a_problem_with_its_source,
    r50_a_limit_of_no_jobs_is_a_problem_with_its_source,
}
