//! What changes something: each executes one command, waits until all that it causes has ended, and says what came of it.

use std::io::Write;

use anyhow::{Result, bail};
use bank::domain::{
    Account, AccountId, Deposit, OpenAccount, StartTransfer, Transfer, TransferId, TransferState, Withdraw,
};
use bank::matter::wait_until_idle;
use enact::prelude::*;
use enact::store::JobQuery;
use enact::{CorrelationId, HasOneHandler, JobId};
use serde::Serialize;
use uuid::Uuid;

use super::database::{close_bank, open_bank, open_existing_bank};
use super::output::{write_failure, write_json};
use super::{Bank, Movement};

pub(crate) async fn open(
    account: AccountId,
    holder: String,
    options: &Bank,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let bank = open_bank(&options.db, options.lease).await?;
    let mut outcome = execute(&bank, OpenAccount { account: account.clone(), holder }).await?;
    outcome.account = bank.entities().get(&account).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

pub(crate) async fn deposit(movement: Movement, json: bool, out: &mut impl Write) -> Result<()> {
    let Movement { account, cents, transaction, tenant, bank: options } = movement;
    let bank = open_bank(&options.db, options.lease).await?;
    let deposit = Deposit { account: account.clone(), cents, transaction };
    let mut outcome = execute_for(&bank, tenant, deposit).await?;
    outcome.account = bank.entities().get(&account).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

pub(crate) async fn withdraw(movement: Movement, json: bool, out: &mut impl Write) -> Result<()> {
    let Movement { account, cents, transaction, tenant, bank: options } = movement;
    let bank = open_existing_bank(&options.db, options.lease).await?;
    let withdrawal = Withdraw { account: account.clone(), cents, transaction };
    let mut outcome = execute_for(&bank, tenant, withdrawal).await?;
    outcome.account = bank.entities().get(&account).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

pub(crate) async fn transfer(
    from: AccountId,
    to: AccountId,
    cents: i64,
    id: Option<TransferId>,
    options: &Bank,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let transfer = id.unwrap_or_else(|| Uuid::now_v7().to_string().into());
    let bank = open_existing_bank(&options.db, options.lease).await?;
    let start = StartTransfer { transfer: transfer.clone(), from: from.clone(), to, cents };
    let mut outcome = execute(&bank, start).await?;
    outcome.account = bank.entities().get(&from).await?;
    outcome.transfer = bank.entities().get(&transfer).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

/// What came of a command.
#[derive(Serialize)]
struct Outcome {
    /// Its job, if it got one by this call.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// The account that it targets, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
    /// The transfer that it has begun, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Transfer>,
}

/// Executes a command for nobody in particular.
async fn execute<C: HasOneHandler<Output = ()>>(bank: &Runtime, command: C) -> Result<Outcome> {
    execute_for(bank, None, command).await
}

/// Executes a command in a matter of its own, and waits until everything in that has ended: of a transfer, all steps.
async fn execute_for<C: HasOneHandler<Output = ()>>(
    bank: &Runtime,
    tenant: Option<String>,
    command: C,
) -> Result<Outcome> {
    let matter = format!("{}/{}", C::NAME, Uuid::now_v7());
    let seed = ContextSeed::new().with_correlation(&*matter);
    let seed = match tenant {
        Some(tenant) => seed.with_tenant(tenant),
        None => seed,
    };
    let executed = bank.scope(seed, async { bank.execute(command).await }).await;
    let failure = match executed {
        Err(failure) if failure.kind() == FailureKind::Unavailable => return Err(failure.into()),
        executed => executed.err(),
    };
    wait_until_idle(bank, &matter).await?;
    let first = JobQuery { correlation: Some(CorrelationId::new(matter)), limit: 1, ..JobQuery::default() };
    let job = bank.jobs().list(&first).await?.jobs.first().map(|job| job.id);
    Ok(Outcome { job, failure, account: None, transfer: None })
}

impl Outcome {
    /// Writes it, and says by an error that it is not what was asked for.
    fn report(&self, json: bool, out: &mut impl Write) -> Result<()> {
        if json {
            write_json(out, self)?;
        } else {
            self.write(out)?;
        }
        if let Some(failure) = &self.failure {
            return Err(failure.clone().into());
        }
        match &self.transfer {
            Some(Transfer { id, state, .. }) if *state != TransferState::Completed => {
                bail!("transfer {id} is {state}")
            }
            _ => Ok(()),
        }
    }

    fn write(&self, out: &mut impl Write) -> Result<()> {
        if let Some(job) = self.job {
            writeln!(out, "job          {job}")?;
        } else if self.failure.is_none() {
            writeln!(out, "job          it was on record; nothing is done twice")?;
        }
        if let Some(failure) = &self.failure {
            write_failure(failure, out)?;
        }
        if let Some(Transfer { id, cents, from, to, state }) = &self.transfer {
            writeln!(out, "transfer     {id}: {cents} cents from {from} to {to}, {state}")?;
        }
        if let Some(Account { id, holder, balance_cents }) = &self.account {
            let holder = holder.as_deref().map_or_else(String::new, |holder| format!(", of {holder}"));
            writeln!(out, "account      {id}{holder}: {balance_cents} cents")?;
        }
        Ok(())
    }
}
