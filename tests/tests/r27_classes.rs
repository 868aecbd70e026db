//! An error type declares the code of its failure (r27) and whether a retry can help (r22).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::error::Error;
use std::{fmt, io};

use anyhow::Context;
use common::{World, jobs, kind_and_code, on_every_store};
use enact::prelude::*;
use enact::{Classification, Classify, ErrorRegistration};
use serde_json::json;

type AnyError = Box<dyn Error + Send + Sync>;

#[derive(Debug, thiserror::Error, Failure)]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    #[failure(permanent)]
    Suspicious,
    #[error("the vendor cannot be reached")]
    #[failure(retry, code = "vendor_down")]
    Unreachable { source: io::Error },
    #[error("the till is {0}")]
    TillClosed(&'static str),
    #[error(transparent)]
    #[failure(transparent)]
    Vendor(#[from] VendorError),
    #[error(transparent)]
    #[failure(transparent)]
    Boxed { inner: Box<VendorError> },
    #[error(transparent)]
    #[failure(transparent)]
    Failed(#[from] Failure),
}

#[derive(Debug, thiserror::Error, Failure)]
#[failure(permanent)]
enum VendorError {
    #[error("the vendor has no such account")]
    UnknownAccount,
    #[error("the vendor is busy")]
    #[failure(retry)]
    Busy,
}

#[derive(Debug, thiserror::Error, Failure)]
#[error("the card is blocked")]
#[failure(permanent, code = "card.blocked")]
struct CardBlocked {
    _since: u32,
}

#[derive(Debug, thiserror::Error, Failure)]
#[error("the line is busy")]
struct LineBusy;

/// Unclassified, with a source.
#[derive(Debug, thiserror::Error)]
#[error("the transfer failed")]
struct TransferError(#[source] AnyError);

/// Unclassified, and `transparent`, which hides the error inside.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Hiding(WithdrawError);

/// Classified by hand instead of by the derive.
#[derive(Debug)]
enum ByHand {
    Permanent,
    Passing,
}

impl fmt::Display for ByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("by hand")
    }
}

impl Error for ByHand {}

impl Classify for ByHand {
    fn classify(&self) -> Classification {
        match self {
            Self::Permanent => Classification::permanent("by_hand.permanent"),
            Self::Passing => Classification::transient("by_hand.passing"),
        }
    }
}

enact::register! { ErrorRegistration::of::<ByHand>() }

const ATTEMPTS: u32 = 2;

/// Fail with the error that the test provides.
#[command]
struct Fail {}

struct Errors(Box<dyn Fn() -> AnyError + Send + Sync>);

#[command(retry = Retry::fixed(ATTEMPTS, Duration::ZERO))]
async fn fail(_: Fail, errors: Arc<Errors>) -> Result<(), AnyError> {
    Err((errors.0)())
}

/// Fail with an error of a type that the handler names.
#[command]
struct FailTyped {}

#[command(retry = Retry::fixed(ATTEMPTS, Duration::ZERO))]
async fn fail_typed(_: FailTyped) -> Result<(), WithdrawError> {
    Err(WithdrawError::Suspicious)
}

/// Fail with an `anyhow` error.
#[command]
struct FailAnyhow {
    context: bool,
}

#[command(retry = Retry::fixed(ATTEMPTS, Duration::ZERO))]
async fn fail_anyhow(fail: FailAnyhow) -> anyhow::Result<()> {
    let error = anyhow::Error::new(WithdrawError::Suspicious);
    if fail.context { Err(error).context("cannot withdraw").context("cannot pay") } else { Err(error) }
}

/// An event whose handler fails.
#[event]
struct Withdrawn {}

/// Emit `Withdrawn`.
#[command]
struct Emit {}

#[command]
async fn emit_it(_: Emit) {
    emit(Withdrawn {});
}

#[event_handler(retry = Retry::fixed(ATTEMPTS, Duration::ZERO))]
async fn notify(_: Withdrawn) -> Result<(), VendorError> {
    Err(VendorError::UnknownAccount)
}

async fn start(world: &World, errors: impl Fn() -> AnyError + Send + Sync + 'static) -> Runtime {
    world.builder().provide(Arc::new(Errors(Box::new(errors)))).start().await.unwrap()
}

/// The outcome of an error: its code, whether it is permanent, and the number of attempts.
type Outcome<'a> = (&'a str, bool, u32);

const ONE_ATTEMPT: u32 = 1;

/// Asserts the outcome of an error that a handler returns, on the job and on each of its attempts.
async fn assert_outcome(
    world: &World,
    expected: Outcome<'_>,
    errors: impl Fn() -> AnyError + Send + Sync + 'static,
) {
    let message = errors().to_string();
    let runtime = start(world, errors).await;
    let failure = runtime.execute(Fail {}).await.unwrap_err();
    assert_eq!(failure.message(), message);
    assert_eq!(last_outcome(&runtime, &failure).await, expected, "{failure:?}");
    runtime.shutdown(Duration::from_secs(1)).await.unwrap();
}

/// The outcome of the last job, which failed with `failure`.
async fn last_outcome<'a>(runtime: &Runtime, failure: &'a Failure) -> Outcome<'a> {
    let job = jobs(runtime).await.pop().unwrap();
    assert_eq!(job.failure.as_ref(), Some(failure), "the stored failure is the returned one");
    let attempts = runtime.jobs().attempts(job.id).await.unwrap();
    for attempt in &attempts {
        assert_eq!(attempt.failure.as_ref(), Some(failure), "each attempt stores the same failure");
    }
    assert_eq!(failure.kind(), FailureKind::Error);
    assert_eq!(attempts.len(), job.attempts as usize);
    (failure.code(), failure.is_permanent(), job.attempts)
}

fn unreachable() -> WithdrawError {
    WithdrawError::Unreachable { source: io::Error::other("no route") }
}

#[test]
fn r27_permanence_passes_through_json_and_is_omitted_if_false() {
    let passing = Failure::new(FailureKind::Error, "a", "b");
    let plain = json!({ "kind": "error", "code": "a", "message": "b" });
    assert_eq!(serde_json::to_value(&passing).unwrap(), plain);
    let read: Failure = serde_json::from_value(plain).unwrap();
    assert!(!read.is_permanent());
    assert_eq!(read, passing);

    let permanent = passing.clone().permanent();
    assert!(permanent.is_permanent());
    assert_ne!(permanent, passing);
    let written = serde_json::to_value(&permanent).unwrap();
    assert_eq!(written, json!({ "kind": "error", "code": "a", "message": "b", "permanent": true }));
    assert_eq!(serde_json::from_value::<Failure>(written).unwrap(), permanent);
}

async fn r22_a_permanent_error_is_not_retried_by_a_policy(world: World) {
    assert_outcome(&world, ("suspicious", true, ONE_ATTEMPT), || WithdrawError::Suspicious.into()).await;
    assert_outcome(&world, ("card.blocked", true, ONE_ATTEMPT), || CardBlocked { _since: 7 }.into()).await;
}

async fn r22_any_other_error_is_retried_by_a_policy(world: World) {
    assert_outcome(&world, ("vendor_down", false, ATTEMPTS), || unreachable().into()).await;
    assert_outcome(&world, ("till_closed", false, ATTEMPTS), || WithdrawError::TillClosed("shut").into())
        .await;
    assert_outcome(&world, ("line_busy", false, ATTEMPTS), || LineBusy.into()).await;
}

async fn r27_the_attribute_of_an_enum_is_the_default_of_its_variants(world: World) {
    assert_outcome(&world, ("unknown_account", true, ONE_ATTEMPT), || VendorError::UnknownAccount.into())
        .await;
    assert_outcome(&world, ("busy", false, ATTEMPTS), || VendorError::Busy.into()).await;
}

async fn r27_a_transparent_variant_is_classified_by_its_field(world: World) {
    let vendor = |error: fn() -> VendorError| move || WithdrawError::from(error()).into();
    assert_outcome(&world, ("unknown_account", true, ONE_ATTEMPT), vendor(|| VendorError::UnknownAccount))
        .await;
    assert_outcome(&world, ("busy", false, ATTEMPTS), vendor(|| VendorError::Busy)).await;
    let boxed = || WithdrawError::Boxed { inner: VendorError::UnknownAccount.into() }.into();
    assert_outcome(&world, ("unknown_account", true, ONE_ATTEMPT), boxed).await;
}

async fn r27_a_classified_error_is_found_among_the_sources(world: World) {
    let chain = || TransferError(TransferError(WithdrawError::Suspicious.into()).into()).into();
    assert_outcome(&world, ("suspicious", true, ONE_ATTEMPT), chain).await;
    let boxed = || TransferError(Box::new(Box::new(WithdrawError::Suspicious))).into();
    assert_outcome(&world, ("suspicious", true, ONE_ATTEMPT), boxed).await;
}

async fn r27_the_outermost_classified_error_decides(world: World) {
    let source = || io::Error::other(TransferError(CardBlocked { _since: 7 }.into()));
    let chain = move || TransferError(WithdrawError::Unreachable { source: source() }.into()).into();
    assert_outcome(&world, ("vendor_down", false, ATTEMPTS), chain).await;
}

async fn r27_a_classified_error_is_found_in_anyhow(world: World) {
    let runtime = start(&world, || LineBusy.into()).await;
    let failure = runtime.execute(FailAnyhow { context: true }).await.unwrap_err();
    assert_eq!(last_outcome(&runtime, &failure).await, ("suspicious", true, ONE_ATTEMPT));
    assert_eq!(failure.message(), "cannot pay");
    assert_eq!(failure.causes(), ["cannot withdraw", "the withdrawal looks like fraud"]);
    let failure = runtime.execute(FailAnyhow { context: false }).await.unwrap_err();
    assert_eq!(last_outcome(&runtime, &failure).await, ("suspicious", true, ONE_ATTEMPT));
    assert_eq!((failure.message(), failure.causes()), ("the withdrawal looks like fraud", &[][..]));
    runtime.shutdown(Duration::from_secs(1)).await.unwrap();

    let kept = || anyhow::Error::new(LineBusy).reallocate_into_boxed_dyn_error_without_backtrace();
    assert_outcome(&world, ("line_busy", false, ATTEMPTS), kept).await;
    // Boxing an `anyhow` error by `into` hides its outermost error. Its sources are still found.
    let hidden = || anyhow::Error::new(TransferError(WithdrawError::Suspicious.into())).into();
    assert_outcome(&world, ("suspicious", true, ONE_ATTEMPT), hidden).await;
}

async fn r27_a_handler_may_name_the_type_of_its_error(world: World) {
    let runtime = start(&world, || LineBusy.into()).await;
    let failure = runtime.execute(FailTyped {}).await.unwrap_err();
    assert_eq!(last_outcome(&runtime, &failure).await, ("suspicious", true, ONE_ATTEMPT));
}

async fn r27_the_error_of_an_event_handler_is_classified_too(world: World) {
    let runtime = start(&world, || LineBusy.into()).await;
    runtime.execute(Emit {}).await.unwrap();
    let handling = jobs(&runtime).await.pop().unwrap();
    let failure = runtime.jobs().handle(handling.id).outcome().await.unwrap_err();
    assert_eq!(last_outcome(&runtime, &failure).await, ("unknown_account", true, ONE_ATTEMPT));
}

async fn r27_an_unclassified_error_has_the_code_error(world: World) {
    assert_outcome(&world, ("error", false, ATTEMPTS), || "just a text".into()).await;
    assert_outcome(&world, ("error", false, ATTEMPTS), || TransferError("just a text".into()).into()).await;
    // These return the source of the error inside as their own, which hides that error.
    assert_outcome(&world, ("error", false, ATTEMPTS), || Hiding(WithdrawError::Suspicious).into()).await;
    assert_outcome(&world, ("error", false, ATTEMPTS), || io::Error::other(WithdrawError::Suspicious).into())
        .await;
}

async fn r27_a_classification_by_hand_works_like_a_derived_one(world: World) {
    assert_outcome(&world, ("by_hand.permanent", true, ONE_ATTEMPT), || ByHand::Permanent.into()).await;
    assert_outcome(&world, ("by_hand.passing", false, ATTEMPTS), || ByHand::Passing.into()).await;
    let wrapped = || anyhow::Error::new(ByHand::Permanent).context("wrapped").into();
    assert_outcome(&world, ("by_hand.permanent", true, ONE_ATTEMPT), wrapped).await;
}

async fn r22_a_handler_can_mark_its_failure_as_permanent(world: World) {
    let failure = || Failure::new(FailureKind::Error, "no_funds", "there is nothing left");
    assert_outcome(&world, ("no_funds", true, ONE_ATTEMPT), move || failure().permanent().into()).await;
    assert_outcome(&world, ("no_funds", false, ATTEMPTS), move || failure().into()).await;
    let runtime = start(&world, || Failure::denied("no").permanent().into()).await;
    let failure = runtime.execute(Fail {}).await.unwrap_err();
    assert_eq!(kind_and_code(&failure), (FailureKind::Denied, "denied"));
    assert!(failure.is_permanent());
}

async fn r27_a_failure_among_the_sources_determines_the_code(world: World) {
    let failure = |kind| Failure::new(kind, "no_funds", "there is nothing left");
    for (kind, attempts) in [
        (FailureKind::Error, ATTEMPTS),
        (FailureKind::Conflict, ATTEMPTS),
        (FailureKind::Unavailable, ATTEMPTS),
        (FailureKind::NotFound, ONE_ATTEMPT),
        (FailureKind::Denied, ONE_ATTEMPT),
    ] {
        let expected = ("no_funds", attempts == ONE_ATTEMPT, attempts);
        assert_outcome(&world, expected, move || TransferError(failure(kind).into()).into()).await;
        assert_outcome(&world, expected, move || WithdrawError::from(failure(kind)).into()).await;
    }
    let permanent = move || TransferError(failure(FailureKind::Error).permanent().into()).into();
    assert_outcome(&world, ("no_funds", true, ONE_ATTEMPT), permanent).await;
}

on_every_store!(
    r22_a_permanent_error_is_not_retried_by_a_policy,
    r22_any_other_error_is_retried_by_a_policy,
    r27_the_attribute_of_an_enum_is_the_default_of_its_variants,
    r27_a_transparent_variant_is_classified_by_its_field,
    r27_a_classified_error_is_found_among_the_sources,
    r27_the_outermost_classified_error_decides,
    r27_a_classified_error_is_found_in_anyhow,
    r27_a_handler_may_name_the_type_of_its_error,
    r27_the_error_of_an_event_handler_is_classified_too,
    r27_an_unclassified_error_has_the_code_error,
    r27_a_classification_by_hand_works_like_a_derived_one,
    r22_a_handler_can_mark_its_failure_as_permanent,
    r27_a_failure_among_the_sources_determines_the_code,
);
