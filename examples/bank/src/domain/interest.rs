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
    /// The last account of the previous page. None for the first page.
    pub after: Option<AccountId>,
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
    let page = accounts.list(after.as_ref(), PAGE).await?;
    for Account { id, .. } in &page {
        let key = format!("interest/{}/{id}", month.0);
        publish(CreditInterest { account: id.clone(), month: month.clone() }).idempotency_key(&key);
    }
    if let Some(last) = page.last().filter(|_| page.len() == PAGE) {
        publish(PayInterest { step: InterestStep { month, after: Some(last.id.clone()) } });
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
