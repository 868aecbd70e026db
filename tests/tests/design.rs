//! The program of DESIGN §1, which the library is built towards. It differs in three ways: omitted parts (`/* … */`, the mailer)
//! are filled in, the database is in a temporary folder, and the clock is manual.
#![allow(missing_docs, clippy::missing_errors_doc, reason = "the design does not document them either")]
#![allow(clippy::inconsistent_digit_grouping, reason = "the last two digits are cents")]
#![allow(clippy::duration_suboptimal_units, reason = "the design counts a minute in seconds")]

use enact::clock::ManualClock;
use enact::prelude::*;
use enact_sqlite::SqliteStore;

#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(String);

impl From<&str> for AccountId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// A bank account.
#[entity] // identity: the field `id`, or `#[entity(id = number)]`
pub struct Account {
    pub id: AccountId,
    pub holder: String,
    pub balance_cents: i64,
}

/// Take money out of an account.
#[command(target = account)] // on a struct: declares the command and its schema
pub struct Withdraw {
    pub account: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub cents: i64,
}

/// Money has left an account.
#[event]
pub struct MoneyWithdrawn {
    pub account: AccountId,
    pub cents: i64,
}

/// How suspicious a withdrawal is.
#[strategy]
pub trait FraudAssessment: Send + Sync {
    async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict;
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    Deny,
}

pub struct AmountLimit {
    cents: i64,
}

#[strategy(variant)]
impl FraudAssessment for AmountLimit {
    async fn assess(&self, withdrawal: &Withdraw, _account: &Account) -> Verdict {
        if withdrawal.cents > self.cents { Verdict::Deny } else { Verdict::Allow }
    }
}

#[derive(Default)]
pub struct VendorX;

#[strategy(variant, name = "vendor_x")]
impl FraudAssessment for VendorX {
    async fn assess(&self, _withdrawal: &Withdraw, account: &Account) -> Verdict {
        tokio::task::yield_now().await;
        if account.holder == "Mallory" { Verdict::Deny } else { Verdict::Allow }
    }
}

#[strategy(policy)] // exactly one policy a strategy: the compiler sees to it
fn fraud_policy(ctx: &ExecutionContext) -> Box<dyn FraudAssessment> {
    match ctx.tenant() {
        Some("enterprise") => Box::new(VendorX),
        _ => Box::new(AmountLimit { cents: 1_000_000 }),
    }
}

/// The account holds at least what is taken out.
#[invariant(when = Withdraw)] // before the handler; the code is the function's name, the message its doc comment
fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
    withdrawal.cents <= account.balance_cents
}

/// An account is never overdrawn.
#[invariant] // at the end of every execution that binds an Account
fn not_overdrawn(account: &Account) -> bool {
    account.balance_cents >= 0
}

#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    Suspicious,
}

#[command( // on a function: the one handler of the command that it takes first
    create = never, // the default; or `always`, `if_missing`
    retry = Retry::exponential(5, Duration::from_millis(100)),
    timeout = Duration::from_secs(5),
)]
async fn withdraw(
    withdrawal: Withdraw,
    account: &mut Account,           // the bound entity
    fraud: Box<dyn FraudAssessment>, // anything else is extracted from the context
) -> Result<(), WithdrawError> {
    if fraud.assess(&withdrawal, account).await == Verdict::Deny {
        return Err(WithdrawError::Suspicious);
    }
    account.balance_cents -= withdrawal.cents;
    emit(MoneyWithdrawn { account: account.id.clone(), cents: withdrawal.cents });
    Ok(())
}

#[event_handler(retry = Retry::exponential(10, Duration::from_secs(1)))]
async fn notify_holder(event: MoneyWithdrawn, mailer: Arc<dyn Mailer>) -> Result<(), MailError> {
    mailer.send(&event)
}

pub trait Mailer: Send + Sync {
    fn send(&self, event: &MoneyWithdrawn) -> Result<(), MailError>;
}

#[derive(Debug, thiserror::Error)]
#[error("the holder of account {0:?} cannot be reached")]
pub struct MailError(AccountId);

/// Records the mails instead of sending them.
#[derive(Default)]
struct Outbox(std::sync::Mutex<Vec<i64>>);

impl Mailer for Outbox {
    fn send(&self, event: &MoneyWithdrawn) -> Result<(), MailError> {
        let mut sent = self.0.lock().map_err(|_| MailError(event.account.clone()))?;
        sent.push(event.cents);
        Ok(())
    }
}

/// Open an account. DESIGN leaves out how accounts are opened.
#[command(target = account)]
struct Open {
    account: AccountId,
    holder: String,
}

impl From<&Open> for Account {
    fn from(open: &Open) -> Self {
        Self { id: open.account.clone(), holder: open.holder.clone(), balance_cents: 10_00 }
    }
}

#[command(create = always)]
async fn open(_: Open, _account: &mut Account) {}

#[tokio::test]
async fn the_program_of_the_design_runs() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let outbox = Arc::new(Outbox::default());
    let clock = ManualClock::at("2030-01-01T00:00:00Z".parse()?);
    let bank = Runtime::builder(SqliteStore::open(folder.path().join("bank.db"))?)
        .provide::<dyn Mailer>(outbox.clone())
        .clock(clock.clone())
        .start()
        .await?; // verifies the wiring: every problem at once, before any job runs
    bank.execute(Open { account: "a-1".into(), holder: "Ada".to_owned() }).await?;

    // Hand off: returns when the job is durable.
    let job = bank.publish(Withdraw { account: "a-1".into(), cents: 5_00 }).await?;
    println!("{}: {}", job.id(), job.state().await?);

    // Run now, here; a job all the same.
    bank.execute(Withdraw { account: "a-1".into(), cents: 2_00 }).await?;

    // What the boundary knows about the caller is in a seed; requests made in its scope carry it.
    let later = bank
        .scope(ContextSeed::new().with_identity(Identity::user("ada")).with_tenant("enterprise"), async {
            bank.publish(Withdraw { account: "a-1".into(), cents: 1_00 })
                .idempotency_key("till-7/000123")
                .delay(Duration::from_secs(60))
                .await
        })
        .await?;

    job.outcome().await?;
    assert_eq!(later.state().await?, JobState::Waiting);
    clock.advance(Duration::from_mins(1));
    later.outcome().await?;
    let account = bank.entities::<Account>().get(&"a-1".into()).await?;
    assert_eq!(account.map(|account| account.balance_cents), Some(2_00));
    let [attempt] = &bank.jobs().attempts(later.id()).await?[..] else { panic!("not one attempt") };
    assert_eq!(attempt.strategies[0].variant, "vendor_x");

    bank.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}
