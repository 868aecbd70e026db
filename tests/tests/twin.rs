//! One domain twice: with the attributes, and by hand on public traits. Both do the same, so the attributes hold no policy.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::HashMap;
use std::sync::Mutex;

use enact::Entity;
use enact::prelude::*;
use enact::{Cursor, StoredEvent};
use serde_json::{Value, json};
use uuid::Uuid;

use common::{World, jobs, on_every_store, until};

/// What both domains draw from the context: a till that jams once for each of those whom it was told to.
#[derive(Default)]
struct Till(Mutex<Vec<&'static str>>);

impl Till {
    fn jam_for(&self, whom: &[&'static str]) {
        self.0.lock().unwrap().extend(whom);
    }

    fn open(&self, who: &str) -> Result<(), String> {
        let mut jams = self.0.lock().unwrap();
        match jams.iter().position(|whom| *whom == who) {
            None => Ok(()),
            Some(position) => Err(format!("the till jams for {}", jams.remove(position))),
        }
    }
}

mod attributes {
    use enact::prelude::*;

    use super::Till;

    /// An account.
    #[entity]
    pub(crate) struct Account {
        id: String,
        cents: i64,
        is_closed: bool,
    }

    /// Put money into an account.
    #[command(target = account, idempotency_key = request, order_by = account, alias = "PayIn")]
    pub(crate) struct Deposit {
        account: String,
        /// How much, in cents.
        #[schemars(range(min = 1))]
        cents: i64,
        #[serde(default)]
        closes: bool,
        request: Option<String>,
    }

    impl From<&Deposit> for Account {
        fn from(deposit: &Deposit) -> Self {
            Self { id: deposit.account.clone(), cents: 0, is_closed: false }
        }
    }

    #[command(create = if_missing, retry = Retry::fixed(2, Duration::from_secs(1)))]
    async fn deposit(
        deposit: Deposit,
        till: Arc<Till>,
        account: &mut Account,
        fee: Box<dyn Fee>,
    ) -> Result<i64, String> {
        till.open("deposit")?;
        let cents = deposit.cents - fee.cents(&deposit).await;
        account.cents += cents;
        account.is_closed = deposit.closes;
        emit(Deposited { account: deposit.account, cents });
        Ok(account.cents)
    }

    /// Money has come into an account.
    #[event]
    pub(crate) struct Deposited {
        account: String,
        cents: i64,
    }

    #[event_handler(retry = Retry::fixed(2, Duration::from_secs(1)))]
    async fn thank(_: Deposited, till: Arc<Till>) -> Result<(), String> {
        till.open("thank")
    }

    /// No account holds more than 1000 cents.
    #[invariant]
    fn not_too_much(account: &Account) -> bool {
        account.cents <= 1000
    }

    /// The account is open.
    #[invariant(when = Deposit)]
    fn open(account: &Account, deposit: &Deposit) -> Result<(), String> {
        if account.is_closed { Err(format!("{} is closed", deposit.account)) } else { Ok(()) }
    }

    /// What comes in is more than the fee.
    #[invariant(when = Deposited)]
    fn worth_it(_: &Account, deposited: &Deposited) -> bool {
        deposited.cents > 0
    }

    /// What a deposit costs.
    #[strategy]
    pub(crate) trait Fee {
        async fn cents(&self, deposit: &Deposit) -> i64;
    }

    struct Flat;

    #[strategy(variant)]
    impl Fee for Flat {
        async fn cents(&self, _: &Deposit) -> i64 {
            1
        }
    }

    struct Share {
        percent: i64,
    }

    #[strategy(variant, name = "percentage")]
    impl Fee for Share {
        async fn cents(&self, deposit: &Deposit) -> i64 {
            deposit.cents * self.percent / 100
        }
    }

    #[strategy(policy)]
    fn fee(context: &ExecutionContext, _: Arc<Till>) -> Box<dyn Fee> {
        match context.tenant() {
            Some("business") => Box::new(Share { percent: 10 }),
            _ => Box::new(Flat),
        }
    }
}

/// The same. Its names end in `ByHand`, since no two parts of a program may have the same.
mod by_hand {
    use std::sync::Arc;
    use std::time::Duration;

    use async_trait::async_trait;
    use enact::context::Requirements;
    use enact::invariant::{IntoVerdict, Verdict};
    use enact::strategy::AnyVariant;
    use enact::{
        Always, Command, Creation, Entity, EntityHandler, Event, EventHandler, ExecutionContext, Failure,
        FromContext, Handler, HandlerSettings, HasOneHandler, HasOnePolicy, IntoOutcome, Invariant,
        InvariantScope, Key, Registration, Retry, Strategy, Targeted, Variant, emit, register, source,
    };
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::Till;

    #[derive(Serialize, Deserialize)]
    pub(crate) struct AccountByHand {
        id: String,
        cents: i64,
        is_closed: bool,
    }

    impl Entity for AccountByHand {
        const NAME: &'static str = "AccountByHand";
        type Id = String;

        fn id(&self) -> &String {
            &self.id
        }
    }

    register! { Registration::entity::<AccountByHand>(source!()) }

    /// Put money into an account.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct DepositByHand {
        account: String,
        /// How much, in cents.
        #[schemars(range(min = 1))]
        cents: i64,
        #[serde(default)]
        closes: bool,
        request: Option<String>,
    }

    impl Command for DepositByHand {
        const NAME: &'static str = "DepositByHand";
        const ALIASES: &'static [&'static str] = &["PayInByHand"];
        const TARGET: Option<&'static str> = Some("account");
        const IDEMPOTENCY_KEY: Option<&'static str> = Some("request");
        const ORDER_BY: Option<&'static str> = Some("account");

        fn target(&self) -> Option<Key> {
            Key::of(&self.account)
        }

        fn idempotency_key(&self) -> Option<Key> {
            Key::of(&self.request)
        }

        fn order_key(&self) -> Option<Key> {
            Key::of(&self.account)
        }
    }

    impl Targeted for DepositByHand {
        type Id = String;
    }

    impl HasOneHandler for DepositByHand {
        type Output = i64;
        type Entity = AccountByHand;
    }

    register! { Registration::command::<DepositByHand>(source!()) }

    impl From<&DepositByHand> for AccountByHand {
        fn from(deposit: &DepositByHand) -> Self {
            Self { id: deposit.account.clone(), cents: 0, is_closed: false }
        }
    }

    struct Deposit;

    impl Handler for Deposit {
        const CONSTRUCTS: &'static [&'static str] = &["DepositedByHand"];

        fn settings() -> HandlerSettings {
            HandlerSettings::new().retry(Retry::fixed(2, Duration::from_secs(1)))
        }

        fn requires(needs: &mut Requirements) {
            needs.of::<Arc<Till>>();
            needs.of::<Box<dyn FeeByHand>>();
        }
    }

    impl EntityHandler for Deposit {
        type Command = DepositByHand;
        type Entity = AccountByHand;

        fn creation() -> Creation<DepositByHand, AccountByHand> {
            Creation::if_missing()
        }

        async fn handle(
            deposit: DepositByHand,
            account: &mut AccountByHand,
            context: &ExecutionContext,
        ) -> Result<i64, Failure> {
            let till = Arc::<Till>::from_context(context)?;
            let fee = Box::<dyn FeeByHand>::from_context(context)?;
            till.open("deposit").into_outcome()?;
            let cents = deposit.cents - fee.cents(&deposit).await;
            account.cents += cents;
            account.is_closed = deposit.closes;
            emit(DepositedByHand { account: deposit.account, cents });
            Ok(account.cents)
        }
    }

    register! { Registration::entity_handler::<Deposit>(source!()) }

    /// Money has come into an account.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct DepositedByHand {
        account: String,
        cents: i64,
    }

    impl Event for DepositedByHand {
        const NAME: &'static str = "DepositedByHand";
    }

    impl<E: Entity> InvariantScope<E> for DepositedByHand {}

    register! { Registration::event::<DepositedByHand>(source!()) }

    struct Thank;

    impl Handler for Thank {
        fn settings() -> HandlerSettings {
            HandlerSettings::new().retry(Retry::fixed(2, Duration::from_secs(1)))
        }

        fn requires(needs: &mut Requirements) {
            needs.of::<Arc<Till>>();
        }
    }

    impl EventHandler for Thank {
        const NAME: &'static str = "thankByHand";
        type Event = DepositedByHand;

        async fn handle(_: DepositedByHand, context: &ExecutionContext) -> Result<(), Failure> {
            Arc::<Till>::from_context(context)?.open("thank").into_outcome()
        }
    }

    register! { Registration::event_handler::<Thank>(source!()) }

    struct NotTooMuch;

    impl Invariant for NotTooMuch {
        type Entity = AccountByHand;
        type When = Always;
        const CODE: &'static str = "not_too_much";
        const MESSAGE: &'static str = "No account holds more than 1000 cents.";

        fn check(account: &AccountByHand, _: &Always) -> Verdict {
            (account.cents <= 1000).into_verdict()
        }
    }

    register! { Registration::invariant::<NotTooMuch>(source!()) }

    struct Open;

    impl Invariant for Open {
        type Entity = AccountByHand;
        type When = DepositByHand;
        const CODE: &'static str = "open";
        const MESSAGE: &'static str = "The account is open.";

        fn check(account: &AccountByHand, deposit: &DepositByHand) -> Verdict {
            if account.is_closed {
                return Verdict::Violated(Some(format!("{} is closed", deposit.account)));
            }
            Verdict::Holds
        }
    }

    register! { Registration::invariant::<Open>(source!()) }

    struct WorthIt;

    impl Invariant for WorthIt {
        type Entity = AccountByHand;
        type When = DepositedByHand;
        const CODE: &'static str = "worth_it";
        const MESSAGE: &'static str = "What comes in is more than the fee.";

        fn check(_: &AccountByHand, deposited: &DepositedByHand) -> Verdict {
            (deposited.cents > 0).into_verdict()
        }
    }

    register! { Registration::invariant::<WorthIt>(source!()) }

    // What `#[invariant(when = …)]` has the compiler prove.
    const fn scoped<W: InvariantScope<AccountByHand>>() {}
    const _: () = scoped::<DepositByHand>();
    const _: () = scoped::<DepositedByHand>();

    enum FeeTag {}

    #[async_trait]
    trait FeeByHand: Send + Sync + AnyVariant<FeeTag> {
        async fn cents(&self, deposit: &DepositByHand) -> i64;
    }

    impl Strategy for dyn FeeByHand {
        const NAME: &'static str = "FeeByHand";
        type Tag = FeeTag;
    }

    register! { Registration::strategy::<dyn FeeByHand>(source!()) }

    struct Flat;

    impl Variant<FeeTag> for Flat {
        const NAME: &'static str = "flat";
    }

    #[async_trait]
    impl FeeByHand for Flat {
        async fn cents(&self, _: &DepositByHand) -> i64 {
            1
        }
    }

    register! { Registration::variant::<dyn FeeByHand, Flat>(source!()) }

    struct Share {
        percent: i64,
    }

    impl Variant<FeeTag> for Share {
        const NAME: &'static str = "percentage";
    }

    #[async_trait]
    impl FeeByHand for Share {
        async fn cents(&self, deposit: &DepositByHand) -> i64 {
            deposit.cents * self.percent / 100
        }
    }

    register! { Registration::variant::<dyn FeeByHand, Share>(source!()) }

    impl HasOnePolicy for dyn FeeByHand {
        fn requires(needs: &mut Requirements) {
            needs.of::<Arc<Till>>();
        }

        fn select(context: &ExecutionContext) -> Result<Box<Self>, Failure> {
            Arc::<Till>::from_context(context)?;
            match context.tenant() {
                Some("business") => Ok(Box::new(Share { percent: 10 })),
                _ => Ok(Box::new(Flat)),
            }
        }
    }

    register! { Registration::policy::<dyn FeeByHand>(source!()) }
}

/// Runs a domain through what can happen to it, and puts down what callers are answered and what is on record.
struct Scenario {
    world: World,
    runtime: Runtime,
    till: Arc<Till>,
    /// What the names of the domain end in.
    suffix: &'static str,
    answers: Vec<Value>,
}

impl Scenario {
    async fn play<A: Entity<Id = String>>(world: World, suffix: &'static str) -> Value {
        let till = Arc::new(Till::default());
        let runtime = world.builder().provide(till.clone()).start().await.unwrap();
        let mut scenario = Self { world, runtime, till, suffix, answers: Vec::new() };

        scenario.publish("Deposit", json!({ "account": "a", "cents": 100 })).await;
        scenario.publish_for("business", json!({ "account": "a", "cents": 100 })).await;
        // Refused at the door.
        scenario.publish("Deposit", json!({ "account": "a", "cents": 0, "currency": "NOK" })).await;
        // Violates the invariant of the entity, of the event, and of the command.
        scenario.publish("Deposit", json!({ "account": "a", "cents": 5000 })).await;
        scenario.publish("Deposit", json!({ "account": "a", "cents": 1 })).await;
        scenario.publish("Deposit", json!({ "account": "b", "cents": 5, "closes": true })).await;
        scenario.publish("Deposit", json!({ "account": "b", "cents": 5 })).await;
        // Succeeds at the second attempt, and fails for good.
        scenario.till.jam_for(&["deposit", "thank"]);
        scenario.publish("Deposit", json!({ "account": "c", "cents": 5, "request": "r" })).await;
        scenario.till.jam_for(&["deposit", "deposit"]);
        scenario.publish("Deposit", json!({ "account": "c", "cents": 6 })).await;
        // The request from before, and another by its key; a name from before.
        scenario.publish("Deposit", json!({ "account": "c", "cents": 5, "request": "r" })).await;
        scenario.publish("Deposit", json!({ "account": "c", "cents": 7, "request": "r" })).await;
        scenario.publish("PayIn", json!({ "account": "c", "cents": 8 })).await;

        let record = scenario.record::<A>().await;
        Anonymous::default().of(record)
    }

    async fn publish(&mut self, name: &str, command: Value) {
        let name = format!("{name}{}", self.suffix);
        let answer = match self.runtime.publish_json(&name, command).await {
            Ok(job) => {
                self.end_all().await;
                job.outcome().await
            }
            Err(refusal) => Err(refusal),
        };
        self.answers.push(json!(answer));
    }

    async fn publish_for(&mut self, tenant: &str, command: Value) {
        let runtime = self.runtime.clone();
        runtime.scope(ContextSeed::new().with_tenant(tenant), self.publish("Deposit", command)).await;
    }

    /// Waits until every job has ended, and puts the clock forward where all that is left is a pause before a retry.
    async fn end_all(&self) {
        until("every job has ended", async || {
            let live: Vec<_> =
                jobs(&self.runtime).await.into_iter().filter(|job| !job.state.has_ended()).collect();
            if !live.is_empty() && live.iter().all(|job| job.due_at > Some(self.world.now())) {
                self.world.advance(Duration::from_secs(1));
            }
            live.is_empty()
        })
        .await;
    }

    async fn record<A: Entity<Id = String>>(&self) -> Value {
        let mut records = Vec::new();
        for job in jobs(&self.runtime).await {
            let attempts = self.runtime.jobs().attempts(job.id).await.unwrap();
            records.push(json!({ "job": job, "attempts": attempts }));
        }
        let events = self.runtime.events().list(&Cursor::START, 100).await.unwrap();
        let entities = self.runtime.entities::<A>().list(None, 100).await.unwrap().entities;
        json!({
            "answers": self.answers,
            "jobs": records,
            "events": events.iter().map(event).collect::<Vec<_>>(),
            "entities": entities,
            "wiring": self.wiring(),
        })
    }

    /// The wiring, as far as it is this domain's.
    fn wiring(&self) -> Value {
        let mut wiring = json!(self.runtime.wiring());
        for parts in wiring.as_object_mut().unwrap().values_mut() {
            let is_by_hand = |part: &Value| part["name"].as_str().unwrap().ends_with("ByHand");
            parts.as_array_mut().unwrap().retain(|part| is_by_hand(part) != self.suffix.is_empty());
        }
        wiring
    }
}

fn event(event: &StoredEvent) -> Value {
    json!({
        "id": event.id,
        "name": event.name,
        "payload": event.payload,
        "correlation": event.correlation,
        "cause": event.cause,
        "emitted_at": event.emitted_at,
    })
}

/// Takes out of a record what two runs of one domain differ in: ids, of which only remains which are the same, workers,
/// places in the source, and the names' ends.
#[derive(Default)]
struct Anonymous {
    ids: HashMap<Uuid, usize>,
}

impl Anonymous {
    fn of(&mut self, record: Value) -> Value {
        match record {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(values) => values.into_iter().map(|value| self.of(value)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| self.field(name, value)).collect()
            }
            other => other,
        }
    }

    fn field(&mut self, name: String, value: Value) -> (String, Value) {
        let value = match name.as_str() {
            "worker" | "source" | "policy" => Value::Bool(!value.is_null()),
            _ => self.of(value),
        };
        (name, value)
    }

    fn text(&mut self, text: &str) -> String {
        let words: Vec<_> = text.split(' ').map(|word| self.word(word)).collect();
        words.join(" ")
    }

    fn word(&mut self, word: &str) -> String {
        let next = self.ids.len();
        match Uuid::try_parse(word.trim_end_matches(',')) {
            Ok(id) => format!("id-{}", self.ids.entry(id).or_insert(next)),
            Err(_) => word.replace("ByHand", ""),
        }
    }
}

/// The first line that differs: a whole record is more than one can read.
fn first_difference(left: &Value, right: &Value) -> Option<(String, String)> {
    let (left, right) = (format!("{left:#}"), format!("{right:#}"));
    let mut lines = left.lines().zip(right.lines());
    lines.find(|(left, right)| left != right).map(|(left, right)| (left.to_owned(), right.to_owned()))
}

fn outcome(answer: &Value) -> &str {
    answer["Err"]["code"].as_str().unwrap_or("ok")
}

async fn both_domains_do_the_same(world: World) {
    let by_hand = Scenario::play::<by_hand::AccountByHand>(world.another(), "ByHand").await;
    let with_attributes = Scenario::play::<attributes::Account>(world, "").await;

    let answers = with_attributes["answers"].as_array().unwrap();
    let outcomes = [
        "ok",
        "ok",
        "minimum",
        "not_too_much",
        "worth_it",
        "ok",
        "open",
        "ok",
        "error",
        "ok",
        "idempotency_mismatch",
        "ok",
    ];
    assert_eq!(answers.iter().map(outcome).collect::<Vec<_>>(), outcomes);
    assert_eq!(first_difference(&with_attributes, &by_hand), None);
}

on_every_store! { both_domains_do_the_same }
