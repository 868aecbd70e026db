//! Several processes work on one file: together they do everything once, also when one of them stands still for a while.

use std::collections::BTreeSet;
use std::time::Duration;

use enact::FailureKind;
use rustix::process::Signal;

use crate::many_transfers::{ManyTransfers, Random};
use crate::process::{Worker, office, text_of, until};
use crate::program::Place;

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_on_one_file_do_everything_once() {
    const TRANSFERS: usize = 2_000;
    let place = Place::new();
    let db = place.path("bank.db");
    let mut random = Random::seeded(3);
    let mut transfers = ManyTransfers::between_rich_accounts(&db, 40).await;
    let fleet = [(); 3].map(|()| Worker::start(&db, &[]));
    let office = office(&db).await;
    while transfers.count() < TRANSFERS {
        transfers.publish(&office, &mut random, 20).await;
    }
    transfers.until_done().await;

    transfers.verify().await;
    let workers = transfers.workers().await;
    for worker in &fleet {
        assert!(workers.contains(&worker.id().to_string()), "each has done some: {workers:?}");
    }
    fleet.into_iter().for_each(Worker::stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stood_still_cannot_commit_what_another_has_taken_over() {
    let place = Place::new();
    let db = place.path("bank.db");
    let log = place.path("log");
    let mut random = Random::seeded(4);
    let mut transfers = ManyTransfers::between_rich_accounts(&db, 40).await;
    let office = office(&db).await;
    let mut stalled = Worker::start_with_log(&db, &["--lease", "0.5"], &log);
    let nothing = "01a200f6-ad9d-72cb-b266-6f55ab783951".parse().expect("an id");
    // A process that is stopped in the middle of a transaction stops all others, too: try again then.
    let taken_over = loop {
        let before = transfers.ended().await;
        transfers.publish(&office, &mut random, 200).await;
        let moment = before + random.below(400);
        until(|| async { transfers.ended().await > moment }).await;
        stalled.signal(Signal::STOP);
        let running = transfers.running().await;
        // There is no such job; that it is answered at all is what is asked.
        let jobs = office.jobs();
        let is_free = tokio::time::timeout(Duration::from_millis(300), jobs.retry(nothing)).await.is_ok();
        if is_free && !running.is_empty() {
            break running;
        }
        stalled.signal(Signal::CONT);
        transfers.until_done().await;
    };

    let other = Worker::start(&db, &["--lease", "0.5"]);
    transfers.until_done().await;
    for attempt in &taken_over {
        assert_eq!(transfers.outcome_of(attempt).await, Some(FailureKind::Lost), "{attempt:?}");
    }
    assert!(!stalled.has_ended());
    stalled.signal(Signal::CONT);
    // Refused at the commit, or too late for it already: what takes more than five seconds is dropped before.
    let refused = || text_of(&log).matches("its effects are dropped").count();
    until(|| async { refused() >= taken_over.len() }).await;
    stalled.stop();
    other.stop();

    transfers.verify().await;
    let jobs: BTreeSet<_> = taken_over.iter().map(|attempt| attempt.job.to_string()).collect();
    println!("{} attempts were taken over, and {} commits refused", jobs.len(), refused());
}
