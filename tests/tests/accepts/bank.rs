//! A whole domain, with a little of everything.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use std::error::Error;
use std::fmt;

use enact::MemoryStore;
use enact::prelude::*;

/// The number of an account.
#[value]
#[derive(Clone, PartialEq, Eq)]
pub struct AccountId(String);

impl From<&str> for AccountId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// A bank account.
#[entity]
#[derive(Clone)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Whose it is.
    pub holder: String,
    /// What is on it, in cents.
    pub balance_cents: i64,
}

/// Put money into an account, which is opened if there is none.
#[command(target = account)]
pub struct Deposit {
    /// The account.
    pub account: AccountId,
    /// Whose account it becomes, if there is none.
    pub holder: String,
    /// How much, in cents.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub cents: i64,
}

/// Take money out of an account.
#[command(target = account)]
pub struct Withdraw {
    /// The account.
    pub account: AccountId,
    /// How much, in cents.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub cents: i64,
}

/// Money has left an account.
#[event]
pub struct MoneyWithdrawn {
    /// The account.
    pub account: AccountId,
    /// How much, in cents.
    pub cents: i64,
}

/// The account holds at least what is taken out.
#[invariant(when = Withdraw)]
fn covered(account: &Account, withdrawal: &Withdraw) -> bool {
    withdrawal.cents <= account.balance_cents
}

/// An account is never overdrawn.
#[invariant]
fn not_overdrawn(account: &Account) -> Result<(), String> {
    if account.balance_cents < 0 { Err(format!("it stands at {}", account.balance_cents)) } else { Ok(()) }
}

/// No money leaves an account that belongs to no one.
#[invariant(when = MoneyWithdrawn, code = "owned")]
fn owned_when_money_leaves(account: &Account) -> bool {
    !account.holder.is_empty()
}

impl From<&Deposit> for Account {
    fn from(deposit: &Deposit) -> Self {
        Self { id: deposit.account.clone(), holder: deposit.holder.clone(), balance_cents: 0 }
    }
}

#[command(create = if_missing)]
async fn deposit(deposit: Deposit, account: &mut Account) {
    account.balance_cents += deposit.cents;
}

/// A withdrawal was refused.
#[derive(Debug)]
pub struct Suspicious;

impl fmt::Display for Suspicious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the withdrawal is suspicious")
    }
}

impl Error for Suspicious {}

#[command(
    create = never,
    retry = Retry::exponential(5, Duration::from_millis(100)),
)]
async fn withdraw(
    withdrawal: Withdraw,
    account: &mut Account,
    fraud: Box<dyn FraudAssessment>,
) -> Result<i64, Suspicious> {
    if fraud.assess(&withdrawal, account).await == Verdict::Deny {
        return Err(Suspicious);
    }
    account.balance_cents -= withdrawal.cents;
    emit(MoneyWithdrawn { account: account.id.clone(), cents: withdrawal.cents });
    Ok(account.balance_cents)
}

/// What comes of an assessment.
#[derive(PartialEq)]
pub enum Verdict {
    /// Go on.
    Allow,
    /// Stop.
    Deny,
}

/// How suspicious a withdrawal is.
#[strategy]
pub trait FraudAssessment {
    /// Looks at a withdrawal before it is made.
    async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict;
}

/// No more than so much at once.
pub struct AmountLimit {
    /// In cents.
    pub cents: i64,
}

#[strategy(variant)]
impl FraudAssessment for AmountLimit {
    async fn assess(&self, withdrawal: &Withdraw, _: &Account) -> Verdict {
        if withdrawal.cents > self.cents { Verdict::Deny } else { Verdict::Allow }
    }
}

/// No questions.
pub struct Trust;

#[strategy(variant, name = "trusted")]
impl FraudAssessment for Trust {
    async fn assess(&self, _: &Withdraw, _: &Account) -> Verdict {
        Verdict::Allow
    }
}

#[strategy(policy)]
fn fraud_policy(context: &ExecutionContext, limit: Arc<Limit>) -> Box<dyn FraudAssessment> {
    match context.tenant() {
        Some("enterprise") => Box::new(Trust),
        _ => Box::new(AmountLimit { cents: limit.cents }),
    }
}

/// What may be withdrawn at once.
pub struct Limit {
    /// In cents.
    pub cents: i64,
}

/// Tells people.
pub trait Mailer: Send + Sync {
    /// Sends a letter about a withdrawal.
    fn send(&self, event: &MoneyWithdrawn);
}

/// Tells nobody.
pub struct Silent;

impl Mailer for Silent {
    fn send(&self, _event: &MoneyWithdrawn) {}
}

#[event_handler(retry = Retry::exponential(10, Duration::from_secs(1)))]
async fn notify_holder(event: MoneyWithdrawn, mailer: Arc<dyn Mailer>) {
    mailer.send(&event);
}

/// Count what has been taken out. The account serves correlation only.
#[command(target = account, name = "audit_account", order_by = account, idempotency_key = run)]
pub struct Audit {
    account: AccountId,
    run: Option<u64>,
}

#[command(stateless)]
async fn audit(
    audit: Audit,
    _context: ExecutionContext,
    accounts: Repository<Account>,
) -> Result<(), Failure> {
    accounts.get(&audit.account).await.map(drop)
}

#[tokio::test]
async fn it_does_its_business() -> Result<(), Box<dyn Error>> {
    let bank = Runtime::builder(MemoryStore::new())
        .provide::<dyn Mailer>(Arc::new(Silent))
        .provide(Arc::new(Limit { cents: 1_000_000 }))
        .start()
        .await?;

    bank.execute(Deposit { account: "a-1".into(), holder: "ada".to_owned(), cents: 10_00 }).await?;
    let job = bank.publish(Withdraw { account: "a-1".into(), cents: 5_00 }).await?;
    assert_eq!(job.outcome().await?, 5_00);
    bank.execute(Audit { account: "a-1".into(), run: Some(1) }).await?;

    let overdraft = bank.execute(Withdraw { account: "a-1".into(), cents: 7_00 }).await;
    assert_eq!(overdraft.expect_err("it is not covered").code(), "covered");

    bank.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}
