use enact::prelude::*;

use super::{Account, Withdraw};

/// The result of a fraud assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The withdrawal may proceed.
    Allow,
    /// The withdrawal looks like fraud.
    Deny,
}

/// How suspicious a withdrawal is.
#[strategy]
pub trait FraudAssessment {
    /// Assesses a withdrawal that the balance covers.
    async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict;
}

/// The variant for private customers: denies withdrawals above a fixed amount.
pub struct AmountLimit {
    /// The largest amount that is allowed, in cents.
    pub cents: i64,
}

#[strategy(variant)]
impl FraudAssessment for AmountLimit {
    async fn assess(&self, withdrawal: &Withdraw, _account: &Account) -> Verdict {
        if withdrawal.cents > self.cents { Verdict::Deny } else { Verdict::Allow }
    }
}

/// The variant for enterprises, which move large amounts every day: denies emptying a large account at once.
pub struct Clearance {
    /// The balance from which an account counts as large, in cents.
    pub from_cents: i64,
}

#[strategy(variant)]
impl FraudAssessment for Clearance {
    async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict {
        let empties_account = withdrawal.cents == account.balance_cents;
        if empties_account && account.balance_cents >= self.from_cents {
            Verdict::Deny
        } else {
            Verdict::Allow
        }
    }
}

#[strategy(policy)]
fn fraud_policy(context: &ExecutionContext) -> Box<dyn FraudAssessment> {
    match context.tenant() {
        Some("enterprise") => Box::new(Clearance { from_cents: 1_000_000 }),
        _ => Box::new(AmountLimit { cents: 50_000_000 }),
    }
}
