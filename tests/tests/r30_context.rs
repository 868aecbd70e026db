//! The execution context (r30): what crosses into it (r31, r32), extracting from it (r33), and staging through it (r34).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

use common::{Gate, World, job, jobs, jobs_of, kind_and_code, on_every_store, reaches, until};
use enact::Cursor;
use enact::prelude::*;
use enact::{Cause, Job, TraceContext};
use serde_json::{Value, json};

/// What handlers saw in their contexts, each under a name.
#[derive(Default)]
struct Observed(Mutex<Vec<(&'static str, Value)>>);

impl Observed {
    /// Records everything that crosses into a job.
    fn note(&self, who: &'static str) {
        let context = context();
        let observed = json!({
            "identity": context.identity().map(|identity| (identity.subject().to_owned(), identity.roles().to_vec())),
            "tenant": context.tenant(),
            "till": context.metadata("till"),
            "other": context.metadata("other"),
            "traceparent": context.trace().map(TraceContext::traceparent),
            "tracestate": context.trace().and_then(TraceContext::tracestate),
            "correlation": context.correlation_id().map(ToString::to_string),
            "cause": context.cause().map(|cause| cause.to_string()),
            "job": context.job_id().map(|id| id.to_string()),
            "attempt": context.attempt(),
            "capability": context.capability::<Place>().map(|place| place.0),
        });
        self.0.lock().unwrap().push((who, observed));
    }

    fn by(&self, who: &str) -> Vec<Value> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|observed| observed.0 == who)
            .map(|observed| observed.1.clone())
            .collect()
    }
}

/// The runtime that an execution runs in.
struct Place(&'static str);

/// Contexts that outlive their attempts.
#[derive(Default)]
struct Kept(Mutex<Vec<ExecutionContext>>);

/// The first of a chain: publishes the second.
#[command]
struct First {}

#[command]
async fn first(_: First, observed: Arc<Observed>) {
    observed.note("first");
    publish(Second {});
}

/// The second: emits an event.
#[command]
struct Second {}

#[command]
async fn second(_: Second, observed: Arc<Observed>) {
    observed.note("second");
    emit(Happened {});
}

/// Handled by the third.
#[event]
struct Happened {}

#[event_handler]
async fn third(_: Happened, observed: Arc<Observed>) {
    observed.note("third");
    publish(Fourth {});
}

/// The last.
#[command]
struct Fourth {}

#[command]
async fn fourth(_: Fourth, observed: Arc<Observed>) {
    observed.note("fourth");
}

/// Where the handler of `Wander` uses its context.
#[value]
#[derive(Clone, Copy, Debug)]
enum Stray {
    EmitInATask,
    PublishInATask,
    ContextInATask,
    EmitInAScopedTask,
    KeepTheContext,
    KeepTheContextAndStay,
    DeepBelow,
}

/// Use the context in an unusual place.
#[command]
struct Wander {
    stray: Stray,
}

#[command]
async fn wander(wander: Wander, kept: Arc<Kept>) -> Result<Option<String>, Failure> {
    let stray = wander.stray;
    let ended = match stray {
        Stray::EmitInATask => tokio::spawn(async { _ = emit(Happened {}) }).await,
        Stray::PublishInATask => tokio::spawn(async { drop(publish(Fourth {})) }).await,
        Stray::ContextInATask => tokio::spawn(async { drop(context()) }).await,
        Stray::EmitInAScopedTask => {
            tokio::spawn(context().scope(async {
                emit(Happened {});
            }))
            .await
        }
        Stray::KeepTheContext => {
            kept.0.lock().unwrap().push(context());
            Ok(())
        }
        Stray::KeepTheContextAndStay => {
            kept.0.lock().unwrap().push(context());
            std::future::pending().await
        }
        Stray::DeepBelow => {
            deep_below(3).await;
            Ok(())
        }
    };
    Ok(ended.err().map(|error| panic_message(error.into_panic())))
}

async fn deep_below(levels: u32) {
    if levels > 0 {
        tokio::task::yield_now().await;
        Box::pin(deep_below(levels - 1)).await;
    } else {
        emit(Happened {});
    }
}

fn panic_message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}

/// The message of the panic of `act`.
fn panic_of(act: impl FnOnce()) -> String {
    panic_message(std::panic::catch_unwind(AssertUnwindSafe(act)).unwrap_err())
}

/// Wait at the gate, then return the identity.
#[command]
struct Who {
    name: String,
}

#[command]
async fn who(who: Who, identity: Option<Identity>, gate: Arc<Gate>) -> Result<Vec<String>, Failure> {
    let before = context().job_id();
    gate.pass().await;
    let context = context();
    assert_eq!(context.job_id(), before);
    let identity = identity.map(|identity| identity.subject().to_owned());
    assert_eq!(context.identity().map(Identity::subject), identity.as_deref());
    Ok(vec![who.name, identity.unwrap_or_default(), context.job_id().unwrap().to_string()])
}

/// A command that needs an identity.
#[command]
struct Sign {}

#[command]
async fn sign(
    _: Sign,
    identity: Identity,
    context: ExecutionContext,
    place: Arc<Place>,
) -> Result<String, Failure> {
    assert_eq!(context.identity(), Some(&identity));
    Ok(format!("{} at {}", identity.subject(), place.0))
}

/// Keep the context and fail.
#[command]
struct KeepAndFail {
    panics: bool,
}

#[command]
async fn keep_and_fail(keep: KeepAndFail, kept: Arc<Kept>) -> Result<(), String> {
    kept.0.lock().unwrap().push(context());
    assert!(!keep.panics, "as asked");
    Err("as asked".to_owned())
}

struct Running {
    runtime: Runtime,
    observed: Arc<Observed>,
    kept: Arc<Kept>,
    gate: Arc<Gate>,
}

fn provided(
    world: &World,
    place: &'static str,
) -> (enact::RuntimeBuilder, Arc<Observed>, Arc<Kept>, Arc<Gate>) {
    let (observed, kept, gate) = (Arc::new(Observed::default()), Arc::new(Kept::default()), Gate::new());
    let builder = world.builder().provide::<Observed>(observed.clone()).provide::<Kept>(kept.clone());
    (builder.provide::<Gate>(gate.clone()).provide::<Place>(Arc::new(Place(place))), observed, kept, gate)
}

async fn start(world: &World, place: &'static str) -> Running {
    let (builder, observed, kept, gate) = provided(world, place);
    Running { runtime: builder.start().await.unwrap(), observed, kept, gate }
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn seed() -> ContextSeed {
    ContextSeed::new()
        .with_identity(Identity::user("ada").with_role("teller").with_role("auditor"))
        .with_tenant("enterprise")
        .with_metadata("till", "7")
        .with_trace(TraceContext::parse(TRACEPARENT, Some("rojo=00f067aa0ba902b7")).unwrap())
}

async fn r30_a_context_kept_after_its_attempt_reads_and_refuses_to_stage(world: World) {
    let Running { runtime, kept, .. } = start(&world, "here").await;
    let inside = async { runtime.execute(Wander { stray: Stray::KeepTheContext }).await };
    runtime.scope(seed(), inside).await.unwrap();
    runtime.execute(KeepAndFail { panics: false }).await.unwrap_err();
    runtime.execute(KeepAndFail { panics: true }).await.unwrap_err();
    let kept = kept.0.lock().unwrap().clone();
    let ids: Vec<_> = jobs(&runtime).await.iter().map(|job| Some(job.id)).collect();
    assert_eq!(kept.iter().map(ExecutionContext::job_id).collect::<Vec<_>>(), ids);
    assert_eq!(kept[0].tenant(), Some("enterprise"));
    assert_eq!(kept[0].capability::<Place>().unwrap().0, "here");
    for context in kept {
        let refusals = [
            ("emit", panic_of(|| _ = context.emit(Happened {}))),
            ("publish", panic_of(|| drop(context.publish(Fourth {})))),
        ];
        for (what, refusal) in refusals {
            assert!(
                refusal.starts_with(&format!("`{what}` was called after its attempt had ended")),
                "{refusal}"
            );
        }
        let late = tokio::spawn(context.scope(async { _ = emit(Happened {}) })).await;
        assert!(panic_message(late.unwrap_err().into_panic()).contains("after its attempt had ended"));
    }
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
    assert_eq!(jobs(&runtime).await.len(), 3);
}

async fn r30_a_context_is_closed_when_a_shutdown_drops_its_attempt(world: World) {
    let Running { runtime, kept, .. } = start(&world, "here").await;
    runtime.publish(Wander { stray: Stray::KeepTheContextAndStay }).await.unwrap();
    until("the handler has kept its context", async || !kept.0.lock().unwrap().is_empty()).await;
    let context = kept.0.lock().unwrap()[0].clone();
    context.emit(Happened {});
    runtime.shutdown(Duration::ZERO).await.unwrap_err();
    until("the context is closed", async || {
        let staged = std::panic::catch_unwind(AssertUnwindSafe(|| context.emit(Happened {})));
        staged.is_err_and(|panic| panic_message(panic).contains("after its attempt had ended"))
    })
    .await;
}

async fn r30_the_context_is_available_anywhere_below_the_handler(world: World) {
    let Running { runtime, observed, .. } = start(&world, "here").await;
    assert_eq!(runtime.execute(Wander { stray: Stray::DeepBelow }).await.unwrap(), None);
    until("the event is handled", async || observed.by("third").len() == 1).await;
}

async fn r30_concurrent_jobs_have_contexts_of_their_own(world: World) {
    let Running { runtime, gate, .. } = start(&world, "here").await;
    let mut tasks = Vec::new();
    for number in 0..20 {
        let runtime = runtime.clone();
        tasks.push(tokio::spawn(async move {
            let name = format!("user {number}");
            let seed = ContextSeed::new().with_identity(Identity::user(name.clone()));
            let who = Who { name: name.clone() };
            let output =
                runtime.clone().scope(seed, async move { runtime.execute(who).await }).await.unwrap();
            (name, output)
        }));
    }
    for _ in 0..20 {
        gate.arrival().await;
    }
    gate.open_wide();
    let mut ids = std::collections::BTreeSet::new();
    for task in tasks {
        let (name, output) = task.await.unwrap();
        assert_eq!(output[..2], [name.clone(), name]);
        ids.insert(output[2].clone());
    }
    assert_eq!(ids.len(), 20);
}

/// Waits for the end of the chain and returns its jobs.
async fn chain(runtime: &Runtime, observed: &Observed) -> [Job; 4] {
    until("the chain has ended", async || observed.by("fourth").len() == 1).await;
    let mut chain = Vec::new();
    for name in ["First", "Second", "third", "Fourth"] {
        let found = jobs_of(runtime, name).await;
        assert_eq!(found.len(), 1);
        chain.push(reaches(runtime, found[0].id, JobState::Succeeded).await);
    }
    chain.try_into().unwrap()
}

async fn r31_identity_tenant_metadata_and_trace_cross_from_job_to_job(world: World) {
    let Running { runtime, observed, .. } = start(&world, "here").await;
    let seed = seed().with_correlation("correlation-1");
    runtime.scope(seed, async { runtime.publish(First {}).await }).await.unwrap();
    let [first, second, third, fourth] = chain(&runtime, &observed).await;
    let events = runtime.events().list(&Cursor::START, 10).await.unwrap();
    assert_eq!(events[0].correlation.as_str(), "correlation-1");
    for (who, job, cause) in [
        ("first", &first, None),
        ("second", &second, Some(Cause::Job(first.id))),
        ("third", &third, Some(Cause::Event(events[0].id))),
        ("fourth", &fourth, Some(Cause::Job(third.id))),
    ] {
        assert_eq!(
            observed.by(who),
            [json!({
                "identity": ["ada", ["teller", "auditor"]],
                "tenant": "enterprise",
                "till": "7",
                "other": null,
                "traceparent": TRACEPARENT,
                "tracestate": "rojo=00f067aa0ba902b7",
                "correlation": "correlation-1",
                "cause": cause.as_ref().map(ToString::to_string),
                "job": job.id.to_string(),
                "attempt": 1,
                "capability": "here",
            })]
        );
        assert_eq!((&job.cause, job.correlation.as_str()), (&cause, "correlation-1"));
    }
    assert_eq!(events[0].cause, Some(second.id));
}

async fn r31_without_a_scope_only_the_correlation_crosses(world: World) {
    let Running { runtime, observed, .. } = start(&world, "here").await;
    let published = runtime.publish(First {}).await.unwrap();
    let jobs = chain(&runtime, &observed).await;
    for (who, job) in ["first", "second", "third", "fourth"].into_iter().zip(&jobs) {
        let observed = observed.by(who).remove(0);
        for absent in ["identity", "tenant", "till", "traceparent", "tracestate"] {
            assert_eq!(observed[absent], Value::Null, "{who} {absent}");
        }
        assert_eq!(observed["correlation"], json!(published.id().to_string()));
        assert_eq!(job.correlation.as_str(), published.id().to_string());
    }
}

async fn r31_executing_and_emitting_carry_the_same_as_publishing(world: World) {
    let Running { runtime, observed, .. } = start(&world, "here").await;
    let seed = seed().with_correlation("correlation-2");
    let event = runtime.scope(seed.clone(), async { runtime.emit(Happened {}).await }).await.unwrap();
    until("the event is handled", async || observed.by("fourth").len() == 1).await;
    runtime.scope(seed.clone(), async { runtime.execute(Fourth {}).await }).await.unwrap();
    runtime.scope(seed, async { runtime.execute_json("Fourth", json!({})).await }).await.unwrap();
    assert_eq!(observed.by("third")[0]["cause"], json!(format!("event/{event}")));
    for observed in observed.by("third").into_iter().chain(observed.by("fourth")) {
        assert_eq!(
            (&observed["tenant"], &observed["correlation"]),
            (&json!("enterprise"), &json!("correlation-2"))
        );
        assert_eq!(observed["identity"], json!(["ada", ["teller", "auditor"]]));
    }
    assert_eq!(observed.by("fourth").len(), 3);
}

async fn r31_a_spawned_task_at_the_boundary_has_no_scope(world: World) {
    let Running { runtime, observed, .. } = start(&world, "here").await;
    let publisher = runtime.clone();
    let task = async { tokio::spawn(async move { publisher.execute(Fourth {}).await }).await.unwrap() };
    runtime.scope(seed(), task).await.unwrap();
    assert_eq!(observed.by("fourth")[0]["tenant"], Value::Null);
}

async fn r31_capabilities_are_those_of_the_runtime_that_runs_the_job(world: World) {
    let (builder, _, _, gate) = provided(&world, "here");
    let here = builder.concurrency(1).start().await.unwrap();
    // The only permit here is taken, so the next job is left for the other runtime.
    let blocking = here.publish(Who { name: String::new() }).await.unwrap();
    gate.arrival().await;
    let id = here.scope(seed(), async { here.publish(Fourth {}).await }).await.unwrap().id();
    let there = start(&world, "there").await;
    reaches(&there.runtime, id, JobState::Succeeded).await;
    assert_eq!(there.observed.by("fourth")[0]["capability"], json!("there"));
    assert_eq!(there.observed.by("fourth")[0]["tenant"], json!("enterprise"));
    gate.open();
    blocking.outcome().await.unwrap();
}

async fn r31_what_crosses_survives_a_restart(world: World) {
    let (builder, _, _, gate) = provided(&world, "here");
    let here = common::Process::start(builder.concurrency(1)).await;
    here.runtime.publish(Who { name: String::new() }).await.unwrap();
    gate.arrival().await;
    let runtime = here.runtime.clone();
    let seed = seed().with_correlation("correlation-3");
    let id = runtime.scope(seed, async { here.runtime.publish(Fourth {}).await }).await.unwrap().id();
    drop(runtime);
    here.kill().await;
    let restarted = start(&world, "restarted").await;
    reaches(&restarted.runtime, id, JobState::Succeeded).await;
    let observed = restarted.observed.by("fourth").remove(0);
    assert_eq!(observed["identity"], json!(["ada", ["teller", "auditor"]]));
    assert_eq!((&observed["till"], &observed["traceparent"]), (&json!("7"), &json!(TRACEPARENT)));
    assert_eq!((&observed["correlation"], &observed["cause"]), (&json!("correlation-3"), &Value::Null));
}

async fn r32_the_whole_tree_is_found_from_any_job(world: World) {
    let Running { runtime, observed, .. } = start(&world, "here").await;
    runtime.execute(Fourth {}).await.unwrap();
    observed.0.lock().unwrap().clear();
    runtime.publish(First {}).await.unwrap();
    until("the chain has ended", async || observed.by("fourth").len() == 1).await;
    let third = jobs_of(&runtime, "third").await.remove(0);
    let query = JobQuery::new().correlation(third.spec.correlation);
    let tree = runtime.jobs().list(&query).await.unwrap().jobs;
    assert_eq!(tree.iter().map(|job| &*job.name).collect::<Vec<_>>(), ["First", "Second", "third", "Fourth"]);
}

async fn r32_the_correlation_is_the_first_jobs_id_unless_it_is_given(world: World) {
    let Running { runtime, .. } = start(&world, "here").await;
    runtime.execute(Fourth {}).await.unwrap();
    let event = runtime.emit(Happened {}).await.unwrap();
    let own = &jobs(&runtime).await[0];
    assert_eq!(own.correlation.as_str(), own.id.to_string());
    assert_eq!(own.cause, None);
    let of_event = &runtime.events().list(&Cursor::START, 1).await.unwrap()[0];
    assert_eq!((of_event.correlation.as_str(), of_event.cause), (&*event.to_string(), None));
}

async fn r33_a_required_identity_refuses_an_anonymous_caller(world: World) {
    let Running { runtime, .. } = start(&world, "here").await;
    let denied = runtime.execute(Sign {}).await.unwrap_err();
    assert_eq!(kind_and_code(&denied), (FailureKind::Denied, "denied"));
    assert_eq!(jobs(&runtime).await[0].state, JobState::Failed);
    let signed = runtime.scope(seed(), async { runtime.execute(Sign {}).await }).await.unwrap();
    assert_eq!(signed, "ada at here");
}

async fn r33_an_optional_identity_accepts_an_anonymous_caller(world: World) {
    let Running { runtime, gate, .. } = start(&world, "here").await;
    gate.open_wide();
    let anonymous = runtime.execute(Who { name: "x".to_owned() }).await.unwrap();
    assert_eq!(anonymous[1], "");
    let ada =
        runtime.scope(seed(), async { runtime.execute(Who { name: "x".to_owned() }).await }).await.unwrap();
    assert_eq!(ada[1], "ada");
}

async fn r33_a_missing_capability_stops_the_start(world: World) {
    let builder = world.builder().provide::<Observed>(Arc::default()).provide::<Kept>(Arc::default());
    let error = builder.provide::<Gate>(Gate::new()).start().await.unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert!(problem.message().contains("`Sign`") && problem.message().contains("Place"), "{problem}");
    assert!(problem.source().file.ends_with("r30_context.rs"), "{problem}");
    let error = world.builder().start().await.unwrap_err();
    assert_eq!(error.problems().len(), 4, "one problem per capability: {error}");
    let message = error.problems()[0].message();
    for handler in ["the handler of `First`", "the handler of `Second`", "`third`", "the handler of `Fourth`"]
    {
        assert!(message.contains(handler), "the problem names every handler that needs it: {message}");
    }
}

async fn r34_outside_an_execution_staging_panics(world: World) {
    let Running { runtime, .. } = start(&world, "here").await;
    for (what, refusal) in
        [("emit", panic_of(|| _ = emit(Happened {}))), ("publish", panic_of(|| drop(publish(Fourth {}))))]
    {
        assert!(refusal.starts_with(&format!("`{what}` was called outside an execution")), "{refusal}");
    }
    assert!(panic_of(|| drop(context())).starts_with("`context()` was called outside an execution"));
    assert!(ExecutionContext::current().is_none());
    // A scope at the boundary has a context, and cannot stage.
    let inside = async { (context().tenant().map(str::to_owned), panic_of(|| _ = emit(Happened {}))) };
    let (tenant, refusal) = runtime.scope(seed(), inside).await;
    assert_eq!(tenant.as_deref(), Some("enterprise"));
    assert!(
        refusal.starts_with("`emit` was called in a scope, and a scope is not an execution"),
        "{refusal}"
    );
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
}

async fn r34_a_spawned_task_is_outside_unless_it_is_scoped(world: World) {
    let Running { runtime, observed, .. } = start(&world, "here").await;
    for (stray, what) in [
        (Stray::EmitInATask, "`emit` was called outside an execution"),
        (Stray::PublishInATask, "`publish` was called outside an execution"),
        (Stray::ContextInATask, "`context()` was called outside an execution"),
    ] {
        let panic_message = runtime.execute(Wander { stray }).await.unwrap().expect("the task panics");
        assert!(panic_message.starts_with(what), "{panic_message}");
        assert!(
            panic_message.contains("context().scope(future)"),
            "the message says what to do: {panic_message}"
        );
    }
    assert!(runtime.events().list(&Cursor::START, 1).await.unwrap().is_empty());
    assert_eq!(runtime.execute(Wander { stray: Stray::EmitInAScopedTask }).await.unwrap(), None);
    until("the event is handled", async || observed.by("third").len() == 1).await;
    let wandered = jobs_of(&runtime, "Wander").await.pop().unwrap();
    let event = runtime.events().list(&Cursor::START, 2).await.unwrap().remove(0);
    assert_eq!(event.cause, Some(wandered.id));
    assert_eq!(job(&runtime, wandered.id).await.state, JobState::Succeeded);
}

on_every_store!(
    r30_a_context_kept_after_its_attempt_reads_and_refuses_to_stage,
    r30_a_context_is_closed_when_a_shutdown_drops_its_attempt,
    r30_the_context_is_available_anywhere_below_the_handler,
    r30_concurrent_jobs_have_contexts_of_their_own,
    r31_identity_tenant_metadata_and_trace_cross_from_job_to_job,
    r31_without_a_scope_only_the_correlation_crosses,
    r31_executing_and_emitting_carry_the_same_as_publishing,
    r31_a_spawned_task_at_the_boundary_has_no_scope,
    r31_capabilities_are_those_of_the_runtime_that_runs_the_job,
    r31_what_crosses_survives_a_restart,
    r32_the_whole_tree_is_found_from_any_job,
    r32_the_correlation_is_the_first_jobs_id_unless_it_is_given,
    r33_a_required_identity_refuses_an_anonymous_caller,
    r33_an_optional_identity_accepts_an_anonymous_caller,
    r33_a_missing_capability_stops_the_start,
    r34_outside_an_execution_staging_panics,
    r34_a_spawned_task_is_outside_unless_it_is_scoped,
);
