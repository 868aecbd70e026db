//! Monthly interest, paid by a recurring command. It reads the accounts page by page; the job of each page publishes the
//! next:
//!
//! ```text
//! PayInterest         for the first page of accounts
//!   CreditInterest    for each account of the page
//!   PayInterest       for the next page
//! ```
//!
//! Every command has an idempotency key, so an account is paid once per month, even if a step runs again.

use enact::Key;
use enact::prelude::*;

use super::{Account, AccountId};

/// The monthly interest is the balance divided by this number: 1.5 % per year.
const MONTHLY_DIVISOR: i64 = 800;

/// The number of accounts that one job reads.
const PAGE: usize = 500;

/// A calendar month, such as `2030-01`.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month(#[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}$"))] String);

/// Pay the interest for a month.
#[command(idempotency_key = step)]
#[derive(Clone, Debug)]
pub struct PayInterest {
    /// The month and the page of accounts, which together form the idempotency key.
    pub step: InterestStep,
}

/// One page of accounts in the payment of a month's interest.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestStep {
    /// The month to pay for.
    pub month: Month,
    /// The id after which the page begins. None for the first page.
    pub after: Option<String>,
}

/// Credit a month's interest to an account.
#[command(target = account)]
#[derive(Clone, Debug)]
pub struct CreditInterest {
    /// The account to credit.
    pub account: AccountId,
    /// The month to pay for.
    pub month: Month,
}

/// Interest was paid to an account.
#[event]
#[derive(Clone, Debug)]
pub struct InterestPaid {
    /// The account that was credited.
    pub account: AccountId,
    /// The month that was paid for.
    pub month: Month,
    /// The amount in cents.
    pub cents: i64,
}

/// Pays for the month that has just ended.
impl From<Tick> for PayInterest {
    fn from(tick: Tick) -> Self {
        let last_month = tick.scheduled_at() - Duration::from_hours(24 * 15);
        let month = Month(last_month.strftime("%Y-%m").to_string());
        Self { step: InterestStep { month, after: None } }
    }
}

/// Runs at 03:00 on the first of each month, and catches up on months that were missed.
#[command(cron = "0 3 1 * *", missed = Missed::All, retry = Retry::exponential(10, Duration::from_secs(1)))]
async fn pay_interest(pay: PayInterest, accounts: Repository<Account>) -> Result<(), Failure> {
    let InterestStep { month, after } = pay.step;
    let page = accounts.list(after.map(Key::from_text).as_ref(), PAGE).await?;
    let readable = page.entities.iter().map(|account| account.id.clone());
    // The job of an account that cannot be read fails, so that it is seen, and can be retried once the account is repaired.
    let unreadable = page.unreadable.iter().map(|account| AccountId::from(account.id.as_str()));
    for account in readable.chain(unreadable) {
        let key = format!("interest/{}/{account}", month.0);
        publish(CreditInterest { account, month: month.clone() }).idempotency_key(&key);
    }
    if let Some(next) = page.next {
        publish(PayInterest { step: InterestStep { month, after: Some(next.as_str().to_owned()) } });
    }
    Ok(())
}

#[command(retry = Retry::exponential(10, Duration::from_secs(1)))]
async fn credit_interest(credit: CreditInterest, account: &mut Account) -> Result<(), String> {
    let cents = account.balance_cents / MONTHLY_DIVISOR;
    if cents == 0 {
        return Ok(());
    }
    account.balance_cents = account
        .balance_cents
        .checked_add(cents)
        .ok_or_else(|| format!("account {} cannot hold its interest of {cents} cents", account.id))?;
    emit(InterestPaid { account: credit.account, month: credit.month, cents });
    Ok(())
}
