//! Scopes: what crosses from a scope into jobs and the capabilities of a request (r31), own parameter types (r33), auth
//! helpers (r35), and contexts without a boundary (r36).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

use enact::auth::{require_role, require_user, with_identity};
use enact::context::Requirements;
use enact::prelude::*;
use enact::{Cause, CorrelationId, FromContext, JobContext, TraceContext, with_context};
use futures_util::FutureExt;

use common::{World, job, jobs_of, kind_and_code, on_every_store, reaches, until};

/// A capability with a name, to tell instances apart.
trait Post: Send + Sync {
    fn name(&self) -> &'static str;
}

struct Named(&'static str);

impl Post for Named {
    fn name(&self) -> &'static str {
        self.0
    }
}

fn post(name: &'static str) -> Arc<dyn Post> {
    Arc::new(Named(name))
}

/// What a handler finds in its context.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    correlation: Option<CorrelationId>,
    cause: Option<Cause>,
    trace: Option<String>,
    identity: Option<Identity>,
    tenant: Option<String>,
    till: Option<String>,
    post: Option<&'static str>,
    attempt: Option<u32>,
}

impl Found {
    fn here() -> Self {
        let context = context();
        Self {
            correlation: context.correlation_id().cloned(),
            cause: context.cause(),
            trace: context.trace().map(|trace| trace.traceparent().to_owned()),
            identity: context.identity().cloned(),
            tenant: context.tenant().map(str::to_owned),
            till: context.metadata("till").map(str::to_owned),
            post: context.capability::<dyn Post>().map(|post| post.name()),
            attempt: context.attempt(),
        }
    }
}

/// What handlers found, in order.
#[derive(Default)]
struct Finds(Mutex<Vec<Found>>);

impl Finds {
    fn note(&self) {
        self.0.lock().unwrap().push(Found::here());
    }

    fn taken(&self) -> Vec<Found> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Record the context; then publish, emit, or fail in the first attempt, as the fields say.
#[command]
#[derive(Default)]
struct Look {
    publishes: bool,
    emits: bool,
    fails_at_first: bool,
}

#[command(retry = Retry::fixed(2, Duration::ZERO))]
async fn look(look: Look, finds: Arc<Finds>) -> Result<(), String> {
    finds.note();
    if look.fails_at_first && context().attempt() == Some(1) {
        return Err("as asked".to_owned());
    }
    if look.publishes {
        publish(Look::default());
    }
    if look.emits {
        emit(Looked {});
    }
    Ok(())
}

#[event]
struct Looked {}

#[event_handler]
async fn look_again(_: Looked, finds: Arc<Finds>) {
    finds.note();
}

/// An own parameter type: the till of the request, and the post that serves it.
struct Till {
    number: u32,
    post: Arc<dyn Post>,
}

impl FromContext for Till {
    fn from_context(context: &ExecutionContext) -> Result<Self, Failure> {
        let number = context.metadata("till").and_then(|till| till.parse().ok());
        let number = number.ok_or_else(|| Failure::denied("this is done at a till"))?;
        Ok(Self { number, post: context.extract()? })
    }

    fn requires(needs: &mut Requirements) {
        needs.of::<Arc<dyn Post>>();
    }
}

/// Ring up a sale.
#[command]
struct RingUp {}

#[command]
async fn ring_up(_: RingUp, till: Till) -> Result<String, Failure> {
    Ok(format!("{} at {}", till.number, till.post.name()))
}

/// Publish and emit under another identity.
#[command]
struct Delegate {}

#[command]
async fn delegate(_: Delegate) -> Result<Vec<String>, Failure> {
    let mut who = vec![require_user()?.subject().to_owned()];
    let bob = Identity::user("bob");
    who.push(
        with_identity(bob, async {
            publish(Look { emits: true, ..Look::default() });
            emit(Looked {});
            require_user().map(|user| user.subject().to_owned())
        })
        .await?,
    );
    who.push(require_user()?.subject().to_owned());
    Ok(who)
}

struct Running {
    runtime: Runtime,
    finds: Arc<Finds>,
    background: Arc<Background>,
}

async fn start(world: &World) -> Running {
    let finds = Arc::new(Finds::default());
    let early = tokio::sync::watch::Sender::new(None);
    let background = Arc::new(Background { runtime: Mutex::default(), early, done: Arc::default() });
    let builder = world.builder().provide::<dyn Post>(post("the runtime's")).provide::<Finds>(finds.clone());
    let runtime = builder.provide(background.clone()).start().await.unwrap();
    Running { runtime, finds, background }
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn seed() -> ContextSeed {
    ContextSeed::new()
        .with_correlation("correlation-7")
        .with_identity(Identity::user("ada").with_role("teller"))
        .with_tenant("enterprise")
        .with_metadata("till", "7")
        .with_trace(TraceContext::parse(TRACEPARENT, None).unwrap())
        .provide(post("the request's"))
}

async fn r31_exactly_the_listed_parts_cross_into_a_job(world: World) {
    let Running { runtime, finds, .. } = start(&world).await;
    let in_scope = runtime.scope(seed(), async {
        let job = runtime.publish(Look { publishes: true, emits: true, ..Look::default() }).await.unwrap();
        (Found::here(), job)
    });
    let (boundary, first) = in_scope.await;
    first.outcome().await.unwrap();
    let [_, second] = jobs_of(&runtime, "Look").await.try_into().unwrap();
    let [third] = jobs_of(&runtime, "look_again").await.try_into().unwrap();
    reaches(&runtime, second.id, JobState::Succeeded).await;
    reaches(&runtime, third.id, JobState::Succeeded).await;

    let crossed = Found {
        correlation: Some(CorrelationId::new("correlation-7")),
        trace: Some(TRACEPARENT.to_owned()),
        identity: Some(Identity::user("ada").with_role("teller")),
        tenant: Some("enterprise".to_owned()),
        till: Some("7".to_owned()),
        ..Found::default()
    };
    assert_eq!(boundary, Found { post: Some("the request's"), ..crossed.clone() });
    let in_job = Found { post: Some("the runtime's"), attempt: Some(1), ..crossed };
    let mut found = finds.taken();
    assert_eq!(found.remove(0), in_job);
    // The handler of the event and the published command run in any order.
    let event = third.cause.clone().unwrap();
    assert!(matches!(event, Cause::Event(_)), "{event:?}");
    for cause in [Cause::Job(first.id()), event] {
        let expected = Found { cause: Some(cause), ..in_job.clone() };
        let index = found.iter().position(|found| *found == expected).unwrap_or_else(|| panic!("{found:#?}"));
        found.remove(index);
    }
    assert_eq!(found, []);
}

async fn r31_a_capability_of_a_seed_reaches_an_execution_and_its_retries(world: World) {
    let Running { runtime, finds, .. } = start(&world).await;
    let inside = async { runtime.execute(Look { fails_at_first: true, ..Look::default() }).await };
    runtime.scope(seed(), inside).await.unwrap();

    let posts: Vec<_> = finds.taken().into_iter().map(|found| (found.attempt, found.post)).collect();
    assert_eq!(posts, [(Some(1), Some("the request's")), (Some(2), Some("the request's"))]);
    runtime.execute(Look::default()).await.unwrap();
    assert_eq!(finds.taken()[0].post, Some("the runtime's"));
}

async fn r31_a_capability_of_a_seed_reaches_an_execution_that_was_dropped(world: World) {
    let Running { runtime, finds, .. } = start(&world).await;
    let inside = async {
        let execution = runtime.execute(Look::default()).into_future();
        // Polls once and drops the execution, whether or not it has ended.
        let _ = tokio::time::timeout(Duration::ZERO, execution).await;
    };
    runtime.scope(seed(), inside).await;
    until("the handler has run", async || !finds.0.lock().unwrap().is_empty()).await;

    assert_eq!(finds.taken()[0].post, Some("the request's"));
}

async fn r31_a_capability_of_a_seed_is_released_with_the_request(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let post = post("the request's");
    let seed = ContextSeed::new().provide(post.clone());
    runtime.scope(seed, async { runtime.execute(Look::default()).await }).await.unwrap();

    until("the request's capability is released", async || Arc::strong_count(&post) == 1).await;
}

async fn r31_a_capability_of_a_seed_is_not_stored(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let published = runtime.scope(seed(), async { runtime.publish(Look::default()).await }).await.unwrap();

    let recorded = job(&runtime, published.id()).await.spec.context;
    let crossing = JobContext::new()
        .with_identity(Identity::user("ada").with_role("teller"))
        .with_tenant("enterprise")
        .with_metadata("till", "7")
        .with_trace(TraceContext::parse(TRACEPARENT, None).unwrap());
    assert_eq!(*recorded, crossing);
}

async fn r33_an_own_parameter_type_is_extracted(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let at_till = runtime.scope(seed(), async { runtime.execute(RingUp {}).await }).await;
    assert_eq!(at_till.unwrap(), "7 at the request's");

    let without_till = runtime.execute(RingUp {}).await.unwrap_err();
    assert_eq!(
        (without_till.kind(), without_till.message()),
        (FailureKind::Denied, "this is done at a till")
    );
}

async fn r33_start_checks_what_an_own_parameter_type_requires(world: World) {
    let early = tokio::sync::watch::Sender::new(None);
    let background = Background { runtime: Mutex::default(), early, done: Arc::default() };
    let builder = world.builder().provide::<Finds>(Arc::default()).provide(Arc::new(background));
    let error = builder.start().await.unwrap_err();

    let [problem] = error.problems() else { panic!("{error}") };
    assert!(
        problem.message().contains("Post` is required by the handler of `RingUp`, but not provided"),
        "{error}"
    );
}

async fn r35_a_user_and_a_role_are_required(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let known =
        runtime.scope(seed(), async { (require_user(), require_role("teller"), require_role("boss")) });
    let (user, teller, boss) = known.await;
    assert_eq!(user.unwrap().subject(), "ada");
    assert_eq!(teller.unwrap().subject(), "ada");
    let boss = boss.unwrap_err();
    assert_eq!(kind_and_code(&boss), (FailureKind::Denied, "missing_role"));
    assert_eq!(boss.message(), "the role `boss` is required, and ada does not have it");

    let anonymous =
        runtime.scope(ContextSeed::new(), async { (require_user(), require_role("teller")) }).await;
    for refused in [anonymous.0, anonymous.1, require_user(), require_role("teller")] {
        assert_eq!(kind_and_code(&refused.unwrap_err()), (FailureKind::Denied, "denied"));
    }
}

async fn r35_with_identity_stages_under_the_other_identity(world: World) {
    let Running { runtime, finds, .. } = start(&world).await;
    let who = runtime.scope(seed(), async { runtime.execute(Delegate {}).await }).await.unwrap();
    assert_eq!(who, ["ada", "bob", "ada"]);

    let [published] = jobs_of(&runtime, "Look").await.try_into().unwrap();
    reaches(&runtime, published.id, JobState::Succeeded).await;
    for handling in jobs_of(&runtime, "look_again").await {
        reaches(&runtime, handling.id, JobState::Succeeded).await;
    }
    let found = finds.taken();
    assert_eq!(found.len(), 3);
    for found in found {
        assert_eq!(found.identity, Some(Identity::user("bob")), "{found:#?}");
        assert_eq!(found.tenant.as_deref(), Some("enterprise"));
    }
}

async fn r35_with_identity_keeps_the_rest_of_the_scope_at_the_boundary(world: World) {
    let Running { runtime, finds, .. } = start(&world).await;
    let inside = async {
        with_identity(Identity::user("bob"), async { runtime.execute(Look::default()).await }).await
    };
    runtime.scope(seed(), inside).await.unwrap();
    with_identity(Identity::user("bob"), async { runtime.execute(Look::default()).await }).await.unwrap();

    let found = finds.taken();
    let bob = Some(Identity::user("bob"));
    assert_eq!((&found[0].identity, found[0].tenant.as_deref()), (&bob, Some("enterprise")));
    assert_eq!((&found[1].identity, found[1].tenant.as_deref()), (&bob, None));
}

async fn r36_an_execution_inside_a_context_without_a_boundary_inherits_it(world: World) {
    let Running { runtime, finds, .. } = start(&world).await;
    let inside = async {
        let here = Found::here();
        runtime.execute(Look::default()).await.unwrap();
        runtime.publish(Look::default()).await.unwrap().outcome().await.unwrap();
        here
    };
    let here = with_context(seed(), inside).await;

    assert_eq!((here.post, here.attempt), (Some("the request's"), None));
    let executed = Found { attempt: Some(1), ..here };
    let published = Found { post: Some("the runtime's"), ..executed.clone() };
    assert_eq!(finds.taken(), [executed, published]);
}

/// Spawn a task that outlives the attempt.
#[command]
struct Leave {}

#[command]
async fn leave(_: Leave, background: Arc<Background>) {
    let runtime = background.runtime.lock().unwrap().clone().unwrap();
    let (early, done) = (background.early.clone(), background.done.clone());
    tokio::spawn(with_context(seed(), async move {
        let refused = runtime.publish(Look::default()).await.unwrap_err();
        // The handler may not have subscribed yet.
        early.send_replace(Some(refused));
        done.notified().await;
        runtime.publish(Look::default()).await.unwrap();
    }));
    let refused = background.early.subscribe().wait_for(Option::is_some).await.map(drop);
    refused.unwrap();
}

/// What the task needs, and the refusal that it gets while the attempt runs.
struct Background {
    runtime: Mutex<Option<Runtime>>,
    early: tokio::sync::watch::Sender<Option<Failure>>,
    done: Arc<tokio::sync::Notify>,
}

async fn r36_a_task_that_outlives_its_attempt_is_outside_an_execution(world: World) {
    let Running { runtime, finds, background } = start(&world).await;
    *background.runtime.lock().unwrap() = Some(runtime.clone());
    runtime.execute(Leave {}).await.unwrap();
    let early = background.early.borrow().clone().unwrap();
    assert_eq!(kind_and_code(&early), (FailureKind::Refused, "inside_execution"));
    background.done.notify_one();
    until("the late command has run", async || !finds.0.lock().unwrap().is_empty()).await;

    assert_eq!(finds.taken()[0].tenant.as_deref(), Some("enterprise"));
    *background.runtime.lock().unwrap() = None;
}

async fn r36_a_context_without_a_boundary_has_no_runtime(_: World) {
    let (posts, repository) = with_context(ContextSeed::new(), async {
        (context().capability::<dyn Post>().is_some(), context().extract::<Repository<Account>>())
    })
    .await;
    assert!(!posts);
    assert_eq!(kind_and_code(&repository.unwrap_err()), (FailureKind::Refused, "no_runtime"));
    for act in [|| _ = emit(Looked {}), || drop(publish(Look::default()))] as [fn(); 2] {
        let acting = with_context(seed(), async { act() });
        let panic = AssertUnwindSafe(acting).catch_unwind().await.unwrap_err();
        let said = panic.downcast::<String>().unwrap();
        assert!(said.contains("a scope is not an execution"), "{said}");
    }
}

/// An entity for a repository.
#[entity]
struct Account {
    id: String,
}

on_every_store! {
    r31_exactly_the_listed_parts_cross_into_a_job,
    r31_a_capability_of_a_seed_reaches_an_execution_and_its_retries,
    r31_a_capability_of_a_seed_is_not_stored,
    r31_a_capability_of_a_seed_reaches_an_execution_that_was_dropped,
    r31_a_capability_of_a_seed_is_released_with_the_request,
    r33_an_own_parameter_type_is_extracted,
    r33_start_checks_what_an_own_parameter_type_requires,
    r35_a_user_and_a_role_are_required,
    r35_with_identity_stages_under_the_other_identity,
    r35_with_identity_keeps_the_rest_of_the_scope_at_the_boundary,
    r36_an_execution_inside_a_context_without_a_boundary_inherits_it,
    r36_a_task_that_outlives_its_attempt_is_outside_an_execution,
    r36_a_context_without_a_boundary_has_no_runtime,
}
