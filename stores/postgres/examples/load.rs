//! Measures the store without a runtime: publish, then claim, load and commit with an entity, an event and a follow-up job.
//! `load [stores] [concurrency] [jobs]`, in the database that `ENACT_POSTGRES_URL` names. With `LANES` set, jobs have an order key.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, reason = "a measurement")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use enact::store::{Claim, Claimable, Commit, EntityKey, EntityWrite, NewEvent, NewJob, Next, Store};
use enact::{Attempt, CorrelationId, JobKind, Json, Key, WorkerId};
use enact_postgres::PostgresStore;
use jiff::Timestamp;
use tokio::task::JoinSet;
use uuid::Uuid;

#[tokio::main]
async fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).map(|text| text.parse().unwrap()).collect();
    let at = |index: usize, default: usize| arguments.get(index).copied().unwrap_or(default);
    let (stores, concurrency, jobs) = (at(0, 1), at(1, 200), at(2, 20_000));
    let laned = std::env::var("LANES").is_ok();
    let url = std::env::var("ENACT_POSTGRES_URL").unwrap();
    let schema = format!("b_{}", Uuid::now_v7().simple());
    let mut opened = Vec::new();
    for _ in 0..stores {
        let store = PostgresStore::builder(url.clone()).schema(&schema).connect().await.unwrap();
        opened.push(Arc::new(store));
    }
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for chunk in 0..jobs / 100 {
        let store = opened[chunk % stores].clone();
        tasks.spawn(async move {
            let new = (0..100).map(|index| {
                let mut job = new_job("deposit", chunk * 100 + index);
                if laned {
                    job.spec.order_key = job.spec.target.clone();
                }
                job
            });
            store.submit(Vec::new(), new.collect()).await.unwrap();
        });
    }
    tasks.join_all().await;
    println!("publish in hundreds: {:.0}/s", jobs as f64 / started.elapsed().as_secs_f64());

    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for store in &opened {
        let store = store.clone();
        tasks.spawn(run(store, concurrency));
    }
    let done: usize = tasks.join_all().await.into_iter().sum();
    println!(
        "{stores} stores, {concurrency} each: {done} units, {:.0}/s",
        done as f64 / started.elapsed().as_secs_f64()
    );
}

fn new_job(name: &str, number: usize) -> NewJob {
    let id = Uuid::now_v7().into();
    let payload = Json::from_text(format!(r#"{{"account":"a-{number}","cents":100,"till":"till-7"}}"#));
    let mut job = NewJob::new(id, JobKind::Command, name, payload, Timestamp::now());
    job.spec.target = Some(Key::from_text(format!("a-{}", number % 20_011)));
    job
}

async fn run(store: Arc<PostgresStore>, concurrency: usize) -> usize {
    let worker = WorkerId::from_text(Uuid::now_v7().to_string());
    let entity = std::env::var("NO_TURNS").is_err().then_some("account");
    let names = HashMap::from([("deposit".into(), Claimable { queue: 0, entity })]);
    let names = Arc::new(names);
    let mut running = JoinSet::new();
    let mut done = 0;
    loop {
        let claim = Claim {
            worker: worker.clone(),
            names: names.clone(),
            room: vec![concurrency - running.len()],
            batch: 0,
            now: Timestamp::now(),
        };
        let claimed = store.claim(claim).await.unwrap().jobs;
        if claimed.is_empty() && running.is_empty() {
            return done;
        }
        for job in claimed {
            let (store, worker) = (store.clone(), worker.clone());
            running.spawn(async move {
                let key = EntityKey { entity: "account", id: job.target.clone().unwrap() };
                loop {
                    let loaded = store.load(&key).await.unwrap();
                    let mut attempt = Attempt::begun(job.attempts, worker.clone(), Timestamp::now());
                    attempt.ended_at = Some(Timestamp::now());
                    let expected = loaded.map_or(0, |entity| entity.version);
                    let body = Json::from_text(format!(
                        r#"{{"id":"{}","holder":"Ada Lovelace","balance_cents":{expected}}}"#,
                        key.id
                    ));
                    let event = NewEvent {
                        id: Uuid::now_v7().into(),
                        name: "deposited".into(),
                        payload: job.payload.clone(),
                        correlation: CorrelationId::new(job.correlation.as_str()),
                        cause: Some(job.id),
                        emitted_at: Timestamp::now(),
                    };
                    let commit = Commit {
                        write: Some(EntityWrite { key: key.clone(), expected, body }),
                        events: vec![event],
                        jobs: vec![new_job("notify", 7)],
                        ..Commit::ending(job.id, attempt, Next::Succeeded(Json::from_text("null")))
                    };
                    match store.commit(commit).await {
                        Ok(_) => return,
                        Err(enact::store::CommitError::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        if running.join_next().await.is_some() {
            done += 1;
        }
        while running.try_join_next().is_some() {
            done += 1;
        }
    }
}
