//! Command NUMBER, on accounts of kind KIND.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accounts::{AccountKIND, Refused};
use crate::emit;

/// Take money out of an account.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct WithdrawNUMBER {
    pub account: String,
    /// How much, in cents.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub cents: i64,
    /// What it is for.
    pub reason: Option<String>,
    pub teller: u32,
}

/// Money has left an account.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct WithdrawnNUMBER {
    pub account: String,
    /// How much, in cents.
    pub cents: i64,
    pub teller: u32,
}

pub async fn withdraw(withdrawal: WithdrawNUMBER, account: &mut AccountKIND) -> Result<(), Refused> {
    if withdrawal.cents > account.balance_cents {
        return Err(Refused::NotCovered);
    }
    account.balance_cents -= withdrawal.cents;
    account.movements += 1;
    emit(WithdrawnNUMBER { account: account.id.clone(), cents: withdrawal.cents, teller: withdrawal.teller });
    Ok(())
}
