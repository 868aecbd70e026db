//! Commands that execute a domain command. Each waits for all jobs that the command causes, and prints the outcome.

use std::io::Write;

use anyhow::{Result, bail};
use bank::correlation::wait_until_idle;
use bank::domain::{
    Account, AccountId, Deposit, OpenAccount, StartTransfer, Transfer, TransferId, TransferState, Withdraw,
};
use enact::prelude::*;
use enact::{CorrelationId, HasOneHandler, JobId};
use serde::Serialize;
use uuid::Uuid;

use super::args::{MovementArgs, RuntimeArgs};
use super::database::{close_bank, start_bank, start_existing_bank};
use super::output::{write_failure, write_json};

pub(crate) async fn open(
    account: AccountId,
    holder: String,
    args: &RuntimeArgs,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let bank = start_bank(args).await?;
    let mut outcome = execute(&bank, None, OpenAccount { account: account.clone(), holder }).await?;
    outcome.account = bank.entities().get(&account).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

pub(crate) async fn deposit(args: MovementArgs, json: bool, out: &mut impl Write) -> Result<()> {
    let MovementArgs { account, cents, transaction, tenant, runtime } = args;
    let bank = start_bank(&runtime).await?;
    let deposit = Deposit { account: account.clone(), cents, transaction };
    let mut outcome = execute(&bank, tenant, deposit).await?;
    outcome.account = bank.entities().get(&account).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

pub(crate) async fn withdraw(args: MovementArgs, json: bool, out: &mut impl Write) -> Result<()> {
    let MovementArgs { account, cents, transaction, tenant, runtime } = args;
    let bank = start_existing_bank(&runtime).await?;
    let withdrawal = Withdraw { account: account.clone(), cents, transaction };
    let mut outcome = execute(&bank, tenant, withdrawal).await?;
    outcome.account = bank.entities().get(&account).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

pub(crate) async fn transfer(
    from: AccountId,
    to: AccountId,
    cents: i64,
    id: Option<TransferId>,
    args: &RuntimeArgs,
    json: bool,
    out: &mut impl Write,
) -> Result<()> {
    let transfer = id.unwrap_or_else(|| Uuid::now_v7().to_string().into());
    let bank = start_existing_bank(args).await?;
    let start = StartTransfer { transfer: transfer.clone(), from: from.clone(), to, cents };
    let mut outcome = execute(&bank, None, start).await?;
    outcome.account = bank.entities().get(&from).await?;
    outcome.transfer = bank.entities().get(&transfer).await?;
    close_bank(bank).await?;
    outcome.report(json, out)
}

/// The outcome of a command.
#[derive(Serialize)]
struct Outcome {
    /// The job that this call created. `None` if the command was refused, or its job existed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    /// The target account after the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
    /// The transfer that the command started.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<Transfer>,
}

/// Executes a command with a correlation id of its own, and waits until all jobs that it causes have ended.
async fn execute<C: HasOneHandler<Output = ()>>(
    bank: &Runtime,
    tenant: Option<String>,
    command: C,
) -> Result<Outcome> {
    let correlation = format!("{}/{}", C::NAME, Uuid::now_v7());
    let mut seed = ContextSeed::new().with_correlation(&*correlation);
    if let Some(tenant) = tenant {
        seed = seed.with_tenant(tenant);
    }
    let failure = match bank.scope(seed, async { bank.execute(command).await }).await {
        Ok(()) => None,
        Err(failure) if failure.kind() == FailureKind::Unavailable => return Err(failure.into()),
        Err(failure) => Some(failure),
    };
    wait_until_idle(bank, &correlation).await?;
    let first = JobQuery::new().correlation(CorrelationId::new(correlation)).limit(1);
    let job = bank.jobs().list(&first).await?.jobs.first().map(|job| job.id);
    Ok(Outcome { job, failure, account: None, transfer: None })
}

impl Outcome {
    /// Prints the outcome, and returns an error if the command failed or its transfer was not completed.
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
            writeln!(out, "job          none: the command was already executed")?;
        }
        if let Some(failure) = &self.failure {
            write_failure(failure, out)?;
        }
        if let Some(Transfer { id, cents, from, to, state }) = &self.transfer {
            writeln!(out, "transfer     {id}: {cents} cents from {from} to {to}, {state}")?;
        }
        if let Some(Account { id, holder, balance_cents }) = &self.account {
            let holder = holder.as_deref().map_or_else(String::new, |holder| format!(" ({holder})"));
            writeln!(out, "account      {id}{holder}: {balance_cents} cents")?;
        }
        Ok(())
    }
}
