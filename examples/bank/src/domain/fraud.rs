use enact::prelude::*;

use super::{Account, Withdraw};

/// What a withdrawal is judged to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be carried out.
    Allow,
    /// It looks like fraud.
    Deny,
}

/// How suspicious a withdrawal is.
#[strategy]
pub trait FraudAssessment {
    /// Judges a withdrawal that the account covers.
    async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict;
}

/// For people: nobody takes half a million at a time.
pub struct AmountLimit {
    /// The most that is taken at a time, in cents.
    pub cents: i64,
}

#[strategy(variant)]
impl FraudAssessment for AmountLimit {
    async fn assess(&self, withdrawal: &Withdraw, _account: &Account) -> Verdict {
        if withdrawal.cents > self.cents { Verdict::Deny } else { Verdict::Allow }
    }
}

/// For enterprises, which move large amounts every day: nobody clears a well-filled account at one go.
pub struct Clearance {
    /// From how much on an account is well filled, in cents.
    pub from_cents: i64,
}

#[strategy(variant)]
impl FraudAssessment for Clearance {
    async fn assess(&self, withdrawal: &Withdraw, account: &Account) -> Verdict {
        let is_cleared = withdrawal.cents == account.balance_cents;
        if is_cleared && account.balance_cents >= self.from_cents { Verdict::Deny } else { Verdict::Allow }
    }
}

#[strategy(policy)]
fn fraud_policy(context: &ExecutionContext) -> Box<dyn FraudAssessment> {
    match context.tenant() {
        Some("enterprise") => Box::new(Clearance { from_cents: 1_000_000 }),
        _ => Box::new(AmountLimit { cents: 50_000_000 }),
    }
}
