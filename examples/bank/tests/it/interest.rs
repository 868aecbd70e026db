//! Interest is paid by itself, once a month and account.

use bank::domain::{Account, AccountId, Deposit, Notifier};
use bank::matter::wait_until_idle;
use enact::clock::ManualClock;
use enact::prelude::*;
use enact::store::JobQuery;
use enact::{Job, MemoryStore};

use crate::fixture::Recorder;
use crate::program::run;

/// Some banks in one, on a clock that is driven by hand.
async fn bank_at(time: &str, store: &MemoryStore) -> (Runtime, ManualClock) {
    let clock = ManualClock::at(time.parse().expect("a time"));
    let bank = Runtime::builder(store.clone()).provide::<dyn Notifier>(Arc::new(Recorder::default()));
    (bank.clock(clock.clone()).start().await.expect("the domain is wired"), clock)
}

async fn jobs(bank: &Runtime, name: &str) -> Vec<Job> {
    let query = JobQuery { name: Some(name.into()), limit: 10_000, ..JobQuery::default() };
    bank.jobs().list(&query).await.expect("jobs are listed").jobs
}

/// Waits until the interest of so many months has been paid.
async fn until_paid(bank: &Runtime, months: usize) {
    while jobs(bank, "PayInterest").await.iter().filter(|job| job.cause.is_none()).count() < months {
        tokio::task::yield_now().await;
    }
    for job in jobs(bank, "PayInterest").await {
        wait_until_idle(bank, job.correlation.as_str()).await.expect("the store answers");
    }
}

#[tokio::test]
async fn each_account_is_paid_once_a_month_however_many_there_are() -> Result<(), Failure> {
    const ACCOUNTS: usize = 1_001;
    let store = MemoryStore::new();
    let (bank, clock) = bank_at("2030-01-31T12:00:00Z", &store).await;
    let account = |number: usize| AccountId::from(format!("a-{number:04}"));
    for number in 0..ACCOUNTS {
        bank.execute(Deposit { account: account(number), cents: 80_000, transaction: None }).await?;
    }
    // The schedule has begun when nothing of it is on record yet.
    assert!(jobs(&bank, "PayInterest").await.is_empty());
    clock.advance(Duration::from_hours(24));
    until_paid(&bank, 1).await;
    for number in 0..ACCOUNTS {
        let paid: Option<Account> = bank.entities().get(&account(number)).await?;
        assert_eq!(paid.map(|account| account.balance_cents), Some(80_100), "{number}");
    }
    let steps = jobs(&bank, "PayInterest").await;
    assert_eq!(steps.len(), 3, "page by page");
    assert!(steps[0].payload.as_str().contains("2030-01"), "{}", steps[0].payload);

    // A bank that is closed on the first pays as soon as it opens, and each month that it has missed.
    bank.shutdown(Duration::from_secs(5)).await?;
    let (bank, _) = bank_at("2030-04-02T12:00:00Z", &store).await;
    until_paid(&bank, 3).await;
    assert_eq!(jobs(&bank, "CreditInterest").await.len(), ACCOUNTS * 3);
    Ok(())
}

#[test]
fn the_wiring_shows_what_recurs_and_the_queue_of_letters() {
    let wiring = run(["wiring"]).succeeded();
    assert!(wiring.contains("0 3 1 * *"), "{wiring}");
    assert!(wiring.contains("mail"), "{wiring}");
}
