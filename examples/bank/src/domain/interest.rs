//! Interest, once a month. Nobody asks for it: the command recurs. There may be many accounts, so it goes through them page by
//! page, and each page is a job that publishes the next:
//!
//! ```text
//! PayInterest         of a month, for the first accounts
//!   CreditInterest    for each of them
//!   PayInterest       for the accounts behind them
//! ```
//!
//! Each step has a key, so that no account is paid twice for a month, whatever is done again.

use enact::prelude::*;

use super::{Account, AccountId};

/// Of so much, an account is paid one each month: one and a half percent a year.
const ONE_IN: i64 = 800;

/// How many accounts a step goes through.
const PAGE: usize = 500;

/// A month, as `2030-01`.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month(#[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}$"))] String);

/// Pay the interest of a month.
#[command(idempotency_key = step)]
#[derive(Clone, Debug)]
pub struct PayInterest {
    /// Which month, and from which account on: what a step is known by.
    pub step: InterestStep,
}

/// A step through the accounts of the bank.
#[value]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestStep {
    /// The interest of which month.
    pub month: Month,
    /// Of the accounts behind this one; of the first ones if it is none.
    pub after: Option<AccountId>,
}

/// Pay an account its interest of a month.
#[command(target = account)]
#[derive(Clone, Debug)]
pub struct CreditInterest {
    /// Which account.
    pub account: AccountId,
    /// Of which month.
    pub month: Month,
}

/// An account has been paid its interest.
#[event]
#[derive(Clone, Debug)]
pub struct InterestPaid {
    /// Which account.
    pub account: AccountId,
    /// Of which month.
    pub month: Month,
    /// How much, in cents.
    pub cents: i64,
}

/// The interest of the month that has just ended.
impl From<Tick> for PayInterest {
    fn from(tick: Tick) -> Self {
        let last_month = tick.scheduled_at() - Duration::from_hours(24 * 15);
        let month = Month(last_month.strftime("%Y-%m").to_string());
        Self { step: InterestStep { month, after: None } }
    }
}

/// On the first of each month, at three o'clock; if the bank is closed then, as soon as it opens.
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
    let cents = account.balance_cents / ONE_IN;
    if cents == 0 {
        return Ok(());
    }
    account.balance_cents = account
        .balance_cents
        .checked_add(cents)
        .ok_or_else(|| format!("account {} has no room for its interest", account.id))?;
    emit(InterestPaid { account: credit.account, month: credit.month, cents });
    Ok(())
}
