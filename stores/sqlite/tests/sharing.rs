//! Concurrent calls, several processes on one file, and people with a shell.

mod common;

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use enact::store::{Changed, CommitError, Cursor, NewJob, Next, Prune, Pruned, Store, Submitted};
use enact::{Failure, FailureKind, JobState, Json, Step};
use enact_sqlite::{SqliteStore, Synchronous};
use futures_util::FutureExt;
use futures_util::future::join_all;
use rusqlite::Connection;
use tempfile::tempdir;

use common::{Outcome, account, after, claim, claim_of, in_lane, new_job, second, started, success, worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_fails_does_not_fail_the_others_of_its_group() -> Outcome {
    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let worker = worker("w");
    let jobs: Vec<_> = (0..60).map(|_| started("withdraw", &worker)).collect();
    store.submit(Vec::new(), jobs.clone()).await?;

    // One in three violates a constraint half-way (its staged job is stored already), one in three conflicts.
    let commits = jobs.iter().enumerate().map(|(index, job)| {
        let mut commit = success(job, &worker, &format!("a-{index}"));
        match (index % 3, &mut commit.write) {
            (1, _) => commit.jobs = vec![jobs[0].clone()],
            (2, Some(write)) => write.expected = 7,
            _ => {}
        }
        store.commit(commit)
    });
    let outcomes = join_all(commits).await;

    for (index, outcome) in outcomes.iter().enumerate() {
        let state = store.job(jobs[index].id).await?.map(|job| job.state);
        let entity = store.load(&account(&format!("a-{index}"))).await?;
        match index % 3 {
            0 => assert!(outcome.is_ok() && state == Some(JobState::Succeeded) && entity.is_some()),
            1 => {
                let Err(CommitError::Store(error)) = outcome else { panic!("{index}: {outcome:?}") };
                assert!(error.to_string().contains("is its id already in use?"), "{error}");
            }
            _ => assert!(matches!(outcome, Err(CommitError::Conflict { found: 0 }))),
        }
        if index % 3 != 0 {
            assert!(state == Some(JobState::Running) && entity.is_none(), "{index}: it changed nothing");
        }
    }
    assert_eq!(store.events(&Cursor::START, 100).await?.len(), 20);
    Ok(())
}

#[tokio::test]
async fn a_job_that_was_rolled_back_is_never_claimed() -> Outcome {
    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let worker = worker("w");
    let (breaking, next) = (started("withdraw", &worker), started("withdraw", &worker));
    store.submit(Vec::new(), vec![breaking.clone()]).await?;

    let mut commit = success(&breaking, &worker, "a-1");
    commit.jobs = vec![new_job("withdraw"), breaking];
    store.commit(commit).await.expect_err("a job is stored already");

    // It gets the sequence number that the staged job had.
    store.submit(Vec::new(), vec![next.clone()]).await?;
    let mut commit = success(&next, &worker, "a-2");
    commit.next = Next::Retry(second(0));
    store.commit(commit).await?;
    let claimed = claim(&store, &worker, 9).await.jobs;
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [next.id]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_job_is_claimed_twice_through_two_connections() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let stores = [SqliteStore::open(&path)?, SqliteStore::open(&path)?];
    stores[0].submit(Vec::new(), (0..500).map(|_| new_job("withdraw")).collect()).await?;

    let claimants = (0..8).map(|number| {
        let (store, worker) = (&stores[number % 2], worker(&format!("w-{number}")));
        async move {
            let mut claimed = Vec::new();
            loop {
                let jobs = claim(store, &worker, 7).await.jobs;
                if jobs.is_empty() {
                    return claimed;
                }
                claimed.extend(jobs.into_iter().map(|job| job.id));
            }
        }
    });
    let claimed: Vec<_> = join_all(claimants).await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 500);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 500);
    Ok(())
}

#[tokio::test]
async fn a_lane_has_one_running_job_through_two_connections() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let stores = [SqliteStore::open(&path)?, SqliteStore::open(&path)?];
    let worker = worker("w");
    let jobs: Vec<_> = (0..6).map(|_| in_lane("a-1")).collect();
    for (index, job) in jobs.iter().enumerate() {
        stores[index % 2].submit(Vec::new(), vec![job.clone()]).await?;
    }
    for (index, job) in jobs.iter().enumerate() {
        let claimed = claim(&stores[index % 2], &worker, 10).await.jobs;
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [job.id]);
        stores[(index + 1) % 2].commit(success(job, &worker, &format!("a-{index}"))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_successor_becomes_ready_through_two_connections() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let stores = [SqliteStore::open(&path)?, SqliteStore::open(&path)?];
    let worker = worker("w");
    let mut last = new_job("withdraw");
    stores[0].submit(Vec::new(), vec![last.clone()]).await?;
    for round in 0..6 {
        let (here, there) = (&stores[round % 2], &stores[(round + 1) % 2]);
        let next = after(last.id, new_job("withdraw"));
        there.submit(Vec::new(), vec![next.clone()]).await?;
        let claimed = claim(here, &worker, 10).await.jobs;
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [last.id]);
        let committed = there.commit(success(&last, &worker, &format!("a-{round}"))).await?;
        assert!(committed.has_work);
        last = next;
    }
    Ok(())
}

/// A process that has found no successor of any job looks again when another has written.
#[tokio::test]
async fn r26_a_successor_that_another_process_has_published_becomes_ready() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let [here, there] = [SqliteStore::open(&path)?, SqliteStore::open(&path)?];
    let worker = worker("w");
    for round in 0..3 {
        let jobs = [started("withdraw", &worker), started("withdraw", &worker)];
        here.submit(Vec::new(), jobs.to_vec()).await?;
        here.commit(success(&jobs[0], &worker, &format!("a-{round}"))).await?;
        let next = after(jobs[1].id, new_job("withdraw"));
        there.submit(Vec::new(), vec![next.clone()]).await?;
        here.commit(success(&jobs[1], &worker, &format!("b-{round}"))).await?;
        let claimed = claim(&there, &worker, 10).await.jobs;
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [next.id]);
        there.commit(success(&next, &worker, &format!("c-{round}"))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_queue_is_limited_across_processes() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let stores = [SqliteStore::open(&path)?, SqliteStore::open(&path)?];
    let worker = worker("w");
    let limited = || vec![NewJob { max_queued: Some(3), ..new_job("withdraw") }];
    for round in 0..3 {
        assert_eq!(stores[round % 2].submit(Vec::new(), limited()).await?, [Submitted::New]);
    }
    for store in &stores {
        assert_eq!(store.submit(Vec::new(), limited()).await?, [Submitted::Full(3)]);
    }
    let running = claim(&stores[0], &worker, 1).await.jobs.remove(0);
    assert_eq!(stores[1].submit(Vec::new(), limited()).await?, [Submitted::Full(3)], "a running job counts");
    let ended = NewJob::from(running.spec);
    stores[1].commit(success(&ended, &worker, "a-1")).await?;
    assert_eq!(stores[0].submit(Vec::new(), limited()).await?, [Submitted::New]);
    assert_eq!(stores[1].submit(Vec::new(), limited()).await?, [Submitted::Full(3)]);
    drop(stores);
    assert_eq!(SqliteStore::open(&path)?.submit(Vec::new(), limited()).await?, [Submitted::Full(3)]);
    Ok(())
}

#[tokio::test]
async fn a_rolled_back_job_does_not_count_against_the_limit() -> Outcome {
    let directory = tempdir()?;
    let store = SqliteStore::open(directory.path().join("bank.db"))?;
    let first = new_job("withdraw");
    store.submit(Vec::new(), vec![first.clone()]).await?;
    // The second job violates a constraint after the first was inserted.
    store.submit(Vec::new(), vec![new_job("withdraw"), first]).await.expect_err("it is stored already");

    let limited = || NewJob { max_queued: Some(2), ..new_job("withdraw") };
    let outcomes = store.submit(Vec::new(), vec![limited(), limited()]).await?;
    assert_eq!(outcomes, [Submitted::New, Submitted::Full(2)]);
    Ok(())
}

#[tokio::test]
async fn sequence_numbers_are_never_reused_even_if_everything_is_pruned() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let stores = [SqliteStore::open(&path)?, SqliteStore::open(&path)?];
    let worker = worker("w");
    let all = Prune {
        succeeded_before: Some(second(99)),
        failed_before: None,
        cancelled_before: None,
        now: second(99),
        after: None,
        limit: 10,
    };
    let (mut seqs, mut cursors) = (Vec::new(), Vec::new());
    for round in 0..4 {
        let (here, there) = (&stores[round % 2], &stores[(round + 1) % 2]);
        let job = started("withdraw", &worker);
        here.submit(Vec::new(), vec![job.clone()]).await?;
        here.commit(success(&job, &worker, &format!("a-{round}"))).await?;
        let shell = Connection::open(&path)?;
        seqs.push(shell.query_row("SELECT seq FROM job_specs", [], |row| row.get::<_, i64>(0))?);
        cursors.extend(there.events(&Cursor::START, 10).await?.iter().map(|event| event.cursor.number()));
        assert_eq!(there.prune(all.clone()).await?, Pruned { deleted: 1, next: None });
        assert_eq!(there.prune_events(second(99), second(99), 10).await?, 1);
    }
    assert_eq!((seqs, cursors), (vec![1, 2, 3, 4], vec![1, 2, 3, 4]));
    Ok(())
}

#[tokio::test]
async fn a_job_that_another_process_cancelled_is_neither_claimed_nor_committed() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let stores = [SqliteStore::open(&path)?, SqliteStore::open(&path)?];
    let worker = worker("w");
    let (ready, running) = (new_job("withdraw"), started("withdraw", &worker));
    stores[0].submit(Vec::new(), vec![ready.clone(), running.clone()]).await?;
    let failure = || Failure::new(FailureKind::Cancelled, "cancelled", "cancelled");
    let outcomes = stores[1].cancel(vec![ready.id, running.id], failure(), second(2)).await?;
    assert_eq!(outcomes, [Changed::Done(vec![ready.id]), Changed::Done(vec![running.id])]);

    assert!(claim(&stores[0], &worker, 9).await.jobs.is_empty());
    let late = stores[0].commit(success(&running, &worker, "a-1")).await;
    assert!(matches!(late, Err(CommitError::Fenced)), "{late:?}");
    assert_eq!(
        stores[0].cancel(vec![ready.id], failure(), second(3)).await?,
        [Changed::Illegal(JobState::Cancelled)]
    );
    Ok(())
}

#[tokio::test]
async fn a_write_waits_for_another_process_until_the_busy_timeout() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).busy_timeout(Duration::from_millis(50)).open()?;
    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let error =
        store.submit(Vec::new(), vec![new_job("withdraw")]).await.expect_err("it is locked").to_string();
    assert!(
        error.contains("locked") && error.contains("busy_timeout") && error.contains("bank.db"),
        "{error}"
    );
    assert!(store.load(&account("a-1")).await?.is_none(), "reads do not wait");
    other.execute_batch("ROLLBACK")?;
    store.submit(Vec::new(), vec![new_job("withdraw")]).await?;
    Ok(())
}

#[tokio::test]
async fn the_log_is_cut_back_after_a_long_read() -> Outcome {
    const MIB: u64 = 1024 * 1024;

    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let log = path.with_extension("db-wal");
    let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
    store.submit(Vec::new(), vec![new_job("withdraw")]).await?;

    let reader = Connection::open(&path)?;
    reader.execute_batch("BEGIN")?;
    let count = || reader.query_row("SELECT count(*) FROM jobs", [], |row| row.get::<_, i64>(0));
    assert_eq!(count()?, 1);
    for _ in 0..40 {
        let mut large = new_job("withdraw");
        large.payload = Json::of(&"x".repeat(1024 * 1024))?;
        store.submit(Vec::new(), vec![large]).await?;
    }
    let grown = fs::metadata(&log)?.len();
    assert!(grown > 40 * MIB, "the read keeps the log: {grown}");
    assert_eq!(count()?, 1, "the read has gone on");

    reader.execute_batch("COMMIT")?;
    for _ in 0..3 {
        store.submit(Vec::new(), vec![new_job("withdraw")]).await?;
    }
    let cut = fs::metadata(&log)?.len();
    assert!(cut <= 32 * MIB, "the log is still large: {cut}");
    assert_eq!(count()?, 44);
    Ok(())
}

#[tokio::test]
async fn writes_that_are_queued_wait_for_another_process_together() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).busy_timeout(Duration::from_millis(200)).open()?;
    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    // One after the other would take two minutes.
    let writes = join_all((0..600).map(|_| store.submit(Vec::new(), vec![new_job("withdraw")])));
    let outcomes = tokio::time::timeout(Duration::from_secs(20), writes).await?;
    assert!(outcomes.iter().all(Result::is_err));
    Ok(())
}

#[tokio::test]
async fn a_job_whose_spec_was_deleted_by_hand_does_not_block_others() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::open(&path)?;
    let worker = worker("w");
    let (ready, retried, last) = (new_job("withdraw"), started("withdraw", &worker), new_job("withdraw"));
    store.submit(Vec::new(), vec![ready.clone(), retried.clone(), last.clone()]).await?;
    let mut commit = success(&retried, &worker, "a-1");
    commit.next = Next::Retry(second(0));
    store.commit(commit).await?;

    let shell = Connection::open(&path)?;
    for job in [ready, retried] {
        shell.execute("DELETE FROM job_specs WHERE id = ?1", [job.id.to_string()])?;
    }
    let claimed = claim(&store, &worker, 9).await;
    assert_eq!(claimed.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [last.id]);
    assert_eq!(claimed.next_due, None);
    assert!(claim(&store, &worker, 9).await.jobs.is_empty());
    Ok(())
}

#[tokio::test]
async fn dropping_a_store_finishes_queued_writes() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).synchronous(Synchronous::Normal).open()?;
    for _ in 0..10 {
        // Polled once, which queues the write, then dropped.
        let _ = store.submit(Vec::new(), vec![new_job("withdraw")]).now_or_never();
    }
    drop(store);
    let jobs: i64 = Connection::open(&path)?.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))?;
    assert_eq!(jobs, 10);
    Ok(())
}

#[tokio::test]
async fn the_file_can_be_read_with_a_shell() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::open(&path)?;
    let worker = worker("w");
    let job = started("withdraw", &worker);
    store.submit(Vec::new(), vec![job.clone()]).await?;
    store.commit(success(&job, &worker, "a-1")).await?;

    let shell = Connection::open(&path)?;
    let read = |sql: &str| shell.query_row(sql, [], |row| row.get::<_, String>(0));
    assert_eq!(read("SELECT payload FROM jobs")?, r#"{"account":"a-1","cents":500}"#);
    assert_eq!(read("SELECT payload ->> 'account' FROM jobs WHERE state = 'succeeded'")?, "a-1");
    assert_eq!(read("SELECT context FROM jobs")?, r#"{"identity":{"subject":"ada"}}"#);
    assert_eq!(read("SELECT id FROM jobs")?, job.id.to_string());
    assert_eq!(read("SELECT datetime(created_at / 1000000, 'unixepoch') FROM jobs")?, "2027-01-15 08:00:00");
    assert_eq!(read("SELECT reached FROM attempts")?, Step::Commit.as_str());
    assert_eq!(read("SELECT body ->> 'balance_cents' || '' FROM entities WHERE id = 'a-1'")?, "500");
    assert_eq!(read("SELECT name || payload FROM events")?, r#"money_withdrawn{"cents":500}"#);
    Ok(())
}

#[tokio::test]
async fn the_error_names_a_row_that_was_edited_by_hand() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::open(&path)?;
    let worker = worker("w");
    let job = started("withdraw", &worker);
    store.submit(Vec::new(), vec![job.clone()]).await?;
    store.commit(success(&job, &worker, "a-1")).await?;
    let shell = Connection::open(&path)?;
    shell.execute_batch("UPDATE names SET kind = 'query'; UPDATE entities SET version = -1")?;

    let found = store.job(job.id).await?.expect("it is found");
    assert_eq!((found.kind.as_str(), found.unreadable), ("query", vec![]), "it may be of a newer version");
    let entity = store.entity(&account("a-1")).await?.expect("it is found");
    assert!(entity.body.value().is_err() && entity.body.as_str().contains("`version`"), "{}", entity.body);

    store.submit(Vec::new(), vec![new_job("withdraw")]).await?;
    shell.execute_batch("UPDATE ready SET attempts = -1")?;
    let claimed = store.claim(claim_of(&worker, 1, second(0))).await?;
    let failure = claimed.unreadable[0].failure.as_ref().expect("it has failed");
    for words in ["`attempts`", "-1", "retry"] {
        assert!(failure.message().contains(words), "`{words}` is not in: {failure}");
    }
    Ok(())
}

/// The search must not block writers, however many jobs there are.
#[tokio::test]
async fn prune_needs_no_write_transaction_to_find_nothing() -> Outcome {
    let directory = tempdir()?;
    let path = directory.path().join("bank.db");
    let store = SqliteStore::builder(&path).busy_timeout(Duration::from_millis(50)).open()?;
    let worker = worker("w");
    let job = started("withdraw", &worker);
    store.submit(Vec::new(), vec![job.clone()]).await?;
    store.commit(success(&job, &worker, "a-1")).await?;
    let other = Connection::open(&path)?;
    other.execute_batch("BEGIN IMMEDIATE")?;

    let kept = Prune {
        succeeded_before: Some(second(1)),
        failed_before: Some(second(99)),
        cancelled_before: Some(second(99)),
        now: second(99),
        after: None,
        limit: 10,
    };
    assert_eq!(store.prune(kept.clone()).await?, Pruned { deleted: 0, next: None });
    assert_eq!(store.prune_events(second(1), second(99), 10).await?, 0);
    let matching = Prune { succeeded_before: Some(second(2)), ..kept };
    assert!(store.prune(matching.clone()).await.is_err(), "it needs the lock to delete");

    other.execute_batch("COMMIT")?;
    assert_eq!(store.prune(matching).await?.deleted, 1);
    Ok(())
}
