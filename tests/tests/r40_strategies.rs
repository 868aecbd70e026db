//! Strategies: a policy chooses a variant for each execution, and the attempt records the choice (r40).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;

use enact::prelude::*;
use enact::{Attempt, JobId, RuntimeBuilder, StrategyChoice};

use common::{World, jobs_of, on_every_store, reaches};

/// What a parcel costs.
#[strategy]
trait Tariff {
    async fn cents(&self, parcel: &Parcel, distance: &u32) -> Result<u32, String>;

    fn describes(&self) -> String {
        "a tariff".to_owned()
    }
}

struct ByWeight {
    cents_per_gram: u32,
}

#[strategy(variant)]
impl Tariff for ByWeight {
    async fn cents(&self, parcel: &Parcel, _distance: &u32) -> Result<u32, String> {
        tokio::task::yield_now().await;
        Ok(parcel.grams * self.cents_per_gram)
    }
}

struct ByDistance;

#[strategy(variant, name = "far_and_wide")]
impl Tariff for ByDistance {
    async fn cents(&self, _parcel: &Parcel, distance: &u32) -> Result<u32, String> {
        if *distance == 0 { Err("it stays where it is".to_owned()) } else { Ok(distance * 10) }
    }

    fn describes(&self) -> String {
        "by distance".to_owned()
    }
}

/// A feature-flag service.
trait Flags: Send + Sync {
    fn is_on(&self, flag: &str) -> bool;
}

/// The flags that are on.
struct FlagsOn(Mutex<BTreeSet<&'static str>>);

impl Flags for FlagsOn {
    fn is_on(&self, flag: &str) -> bool {
        self.0.lock().unwrap().contains(flag)
    }
}

#[strategy(policy)]
fn tariff(context: &ExecutionContext, flags: Arc<dyn Flags>) -> Box<dyn Tariff> {
    match context.tenant() {
        Some("express") => Box::new(ByDistance),
        _ if flags.is_on("by_distance") => Box::new(ByDistance),
        _ => Box::new(ByWeight { cents_per_gram: 2 }),
    }
}

/// The text of a label. `ByDistance` is a variant of both strategies.
#[strategy(name = "LabelStyle")]
pub trait Label: Send + Sync {
    /// The text.
    fn text(&self, cents: u32) -> String;
}

#[strategy(variant)]
impl Label for ByDistance {
    fn text(&self, cents: u32) -> String {
        format!("{cents} cents, by distance")
    }
}

#[strategy(policy)]
fn label(_: &ExecutionContext) -> Box<dyn Label> {
    Box::new(ByDistance)
}

#[command]
struct Parcel {
    grams: u32,
    distance: u32,
}

#[command(retry = Retry::fixed(2, Duration::from_secs(1)))]
async fn price(parcel: Parcel, tariff: Box<dyn Tariff>) -> Result<String, String> {
    let cents = tariff.cents(&parcel, &parcel.distance).await?;
    emit(Priced { cents });
    Ok(format!("{cents} cents, {}", tariff.describes()))
}

#[event]
struct Priced {
    cents: u32,
}

#[event_handler]
async fn print(priced: Priced) -> Result<(), Failure> {
    deep_below(priced.cents).map(drop)
}

fn deep_below(cents: u32) -> Result<String, Failure> {
    let label = context().extract::<Box<dyn Label>>()?;
    let again = context().extract::<Box<dyn Label>>()?;
    Ok(label.text(cents) + &again.text(cents))
}

struct Running {
    runtime: Runtime,
    flags: Arc<FlagsOn>,
}

async fn start(world: &World) -> Running {
    let flags = Arc::new(FlagsOn(Mutex::default()));
    let runtime = world.builder().provide::<dyn Flags>(flags.clone()).start().await.unwrap();
    Running { runtime, flags }
}

fn choice(strategy: &'static str, variant: &'static str) -> StrategyChoice {
    StrategyChoice::new(strategy, variant)
}

async fn attempts(runtime: &Runtime, id: JobId) -> Vec<Attempt> {
    runtime.jobs().attempts(id).await.unwrap()
}

async fn choices_of(runtime: &Runtime, name: &str) -> Vec<Vec<StrategyChoice>> {
    let mut found = Vec::new();
    for job in jobs_of(runtime, name).await {
        found.extend(attempts(runtime, job.id).await.into_iter().map(|attempt| attempt.strategies));
    }
    found
}

async fn r40_a_policy_chooses_by_the_context(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let parcel = || Parcel { grams: 100, distance: 7 };

    assert_eq!(runtime.execute(parcel()).await.unwrap(), "200 cents, a tariff");
    let seed = ContextSeed::new().with_tenant("express");
    let express = runtime.scope(seed, async { runtime.execute(parcel()).await }).await;
    assert_eq!(express.unwrap(), "70 cents, by distance");
}

async fn r40_a_policy_may_read_a_capability(world: World) {
    let Running { runtime, flags } = start(&world).await;
    flags.0.lock().unwrap().insert("by_distance");

    let priced = runtime.execute(Parcel { grams: 100, distance: 7 }).await;
    assert_eq!(priced.unwrap(), "70 cents, by distance");
}

async fn r40_the_attempt_records_the_choice(world: World) {
    let Running { runtime, flags } = start(&world).await;
    runtime.execute(Parcel { grams: 100, distance: 7 }).await.unwrap();
    flags.0.lock().unwrap().insert("by_distance");
    runtime.execute(Parcel { grams: 100, distance: 7 }).await.unwrap();

    let chosen = [vec![choice("Tariff", "by_weight")], vec![choice("Tariff", "far_and_wide")]];
    assert_eq!(choices_of(&runtime, "Parcel").await, chosen);
}

async fn r40_each_attempt_chooses_again_and_a_failed_one_keeps_its_choice(world: World) {
    let Running { runtime, flags } = start(&world).await;
    flags.0.lock().unwrap().insert("by_distance");
    let job = runtime.publish(Parcel { grams: 100, distance: 0 }).await.unwrap();
    reaches(&runtime, job.id(), JobState::Waiting).await;
    flags.0.lock().unwrap().clear();
    world.advance(Duration::from_secs(1));

    assert_eq!(job.outcome().await.unwrap(), "200 cents, a tariff");
    let chosen = [vec![choice("Tariff", "far_and_wide")], vec![choice("Tariff", "by_weight")]];
    assert_eq!(choices_of(&runtime, "Parcel").await, chosen);
}

async fn r40_a_strategy_extracted_twice_below_the_handler_is_recorded_once(world: World) {
    let Running { runtime, .. } = start(&world).await;
    runtime.execute(Parcel { grams: 1, distance: 1 }).await.unwrap();
    let [printing] = jobs_of(&runtime, "print").await.try_into().unwrap();
    reaches(&runtime, printing.id, JobState::Succeeded).await;

    assert_eq!(choices_of(&runtime, "print").await, [[choice("LabelStyle", "by_distance")]]);
}

async fn r40_handlers_need_the_capabilities_of_their_policies(world: World) {
    let lacking: RuntimeBuilder = world.builder();
    let error = lacking.start().await.unwrap_err();

    let [problem] = error.problems() else { panic!("{error}") };
    assert!(problem.message().contains("Flags` is required by"), "{error}");
    for who in ["the handler of `Parcel`", "the policy of `Tariff`"] {
        assert!(problem.message().contains(who), "{error}");
    }
}

async fn r51_the_wiring_has_strategies_and_the_handlers_that_use_them(world: World) {
    let Running { runtime, .. } = start(&world).await;
    let wiring = runtime.wiring();

    let names: Vec<_> = wiring.strategies.iter().map(|strategy| strategy.name).collect();
    assert_eq!(names, ["LabelStyle", "Tariff"]);
    let variants: Vec<_> = wiring.strategies[1].variants.iter().map(|variant| variant.name).collect();
    assert_eq!(variants, ["by_weight", "far_and_wide"]);
    assert!(wiring.strategies[1].policy.is_some());
    let handler = wiring.command("Parcel").unwrap().handler.as_ref().unwrap();
    assert_eq!(handler.strategies, ["Tariff"]);
}

on_every_store! {
    r40_a_policy_chooses_by_the_context,
    r40_a_policy_may_read_a_capability,
    r40_the_attempt_records_the_choice,
    r40_each_attempt_chooses_again_and_a_failed_one_keeps_its_choice,
    r40_a_strategy_extracted_twice_below_the_handler_is_recorded_once,
    r40_handlers_need_the_capabilities_of_their_policies,
    r51_the_wiring_has_strategies_and_the_handlers_that_use_them,
}
