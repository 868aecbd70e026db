//! What a bank is started on: a database that it works on, or nothing; and how a database is opened by somebody who only
//! looks into it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bank::domain::{LargeWithdrawal, Notifier};
use enact::prelude::*;
use enact::store::Store;
use enact::{MemoryStore, RuntimeBuilder};
use enact_sqlite::SqliteStore;

/// How long a bank that closes waits for what is under way.
const CLOSING_TIME: Duration = Duration::from_secs(30);

/// How many letters are on their way at a time: no more than the post takes.
const LETTERS_AT_A_TIME: usize = 4;

/// Opens a bank. From then on it works on the jobs in the database, those that an earlier one has left included.
pub(crate) async fn open_bank(db: &Path, lease: Duration) -> Result<Runtime> {
    Ok(bank_in(db, lease, Post::default())?.start().await?)
}

/// A bank to be, in a database that is made if it does not exist.
pub(crate) fn bank_in(db: &Path, lease: Duration, post: Post) -> Result<RuntimeBuilder> {
    Ok(bank_on(SqliteStore::open(db)?, post).lease(lease))
}

/// Opens a bank for who looks after its jobs: it runs none of them.
pub(crate) async fn bank_that_runs_nothing(db: &Path) -> Result<Runtime> {
    Ok(bank_on(open_to_read(db)?, Post::default()).without_worker().start().await?)
}

/// Opens a bank without a database, for who asks what it can do.
pub(crate) async fn bank_without_database() -> Result<Runtime> {
    Ok(bank_on(MemoryStore::new(), Post::default()).start().await?)
}

/// A bank with all that its handlers need.
fn bank_on(store: impl Store, post: Post) -> RuntimeBuilder {
    Runtime::builder(store).queue("mail", LETTERS_AT_A_TIME).provide::<dyn Notifier>(Arc::new(post))
}

/// Opens a bank that is to be there already.
pub(crate) async fn open_existing_bank(db: &Path, lease: Duration) -> Result<Runtime> {
    check_exists(db)?;
    open_bank(db, lease).await
}

pub(crate) async fn close_bank(bank: Runtime) -> Result<()> {
    Ok(bank.shutdown(CLOSING_TIME).await?)
}

/// Opens a database to look into it, which starts no bank: no job runs because somebody has looked.
pub(crate) fn open_to_read(db: &Path) -> Result<SqliteStore> {
    check_exists(db)?;
    Ok(SqliteStore::open(db)?)
}

fn check_exists(db: &Path) -> Result<()> {
    if !db.try_exists().with_context(|| format!("`{}` cannot be looked at", db.display()))? {
        bail!(
            "there is no database `{}`; `bank replay`, `bank open`, `bank deposit` and `bank work` make one",
            db.display()
        );
    }
    Ok(())
}

/// Writes to the log what a real bank would send to the holder.
#[derive(Default)]
pub(crate) struct Post {
    /// How long a letter is on its way.
    pub(crate) takes: Duration,
}

#[async_trait]
impl Notifier for Post {
    async fn large_withdrawal(
        &self,
        withdrawal: &LargeWithdrawal,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        tokio::time::sleep(self.takes).await;
        let LargeWithdrawal { account, holder, cents } = withdrawal;
        let holder = holder.as_deref().unwrap_or("the holder");
        tracing::info!(%account, cents, "{holder} is told of a large withdrawal");
        Ok(())
    }
}
