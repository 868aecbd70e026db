//! A fleet whose processes are killed and stopped at any time loses nothing and does nothing twice.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::env;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{TestSchema, URL, url};
use enact::prelude::*;
use enact::store::{EntityKey, Store};
use enact::{JobQuery, JobState};
use enact_postgres::PostgresStore;
use jiff::Timestamp;
use tokio::task::JoinSet;

const SCHEMA: &str = "ENACT_FLEET_SCHEMA";
const PROCESSES: usize = 4;
const DEPOSITS: u32 = 6000;
const NOTES: u32 = 300;

/// An account.
#[entity(id = name)]
struct Account {
    name: String,
    cents: u32,
}

/// Put a cent into an account.
#[command(target = account)]
struct Deposit {
    account: String,
}

impl From<&Deposit> for Account {
    fn from(deposit: &Deposit) -> Self {
        Self { name: deposit.account.clone(), cents: 0 }
    }
}

/// A cent was put into an account.
#[event]
struct Deposited {
    account: String,
}

#[command(create = if_missing, retry = Retry::fixed(1000, Duration::from_millis(5)))]
async fn deposit(_deposit: Deposit, account: &mut Account) {
    account.cents += 1;
    emit(Deposited { account: account.name.clone() });
}

/// What was deposited, as counted by another entity.
#[entity(id = name)]
struct Tally {
    name: String,
    cents: u32,
}

/// Count a cent.
#[command(target = name)]
struct Count {
    name: String,
}

impl From<&Count> for Tally {
    fn from(count: &Count) -> Self {
        Self { name: count.name.clone(), cents: 0 }
    }
}

#[event_handler(retry = Retry::fixed(1000, Duration::from_millis(5)))]
async fn on_deposited(deposited: Deposited) {
    publish(Count { name: deposited.account });
}

#[command(create = if_missing, retry = Retry::fixed(1000, Duration::from_millis(5)))]
async fn count(_count: Count, tally: &mut Tally) {
    tally.cents += 1;
}

/// Notes in the order in which they were published.
#[entity(id = name)]
struct Book {
    name: String,
    numbers: Vec<u32>,
}

/// Write a note.
#[command(target = book, order_by = book)]
struct Note {
    book: String,
    number: u32,
}

impl From<&Note> for Book {
    fn from(note: &Note) -> Self {
        Self { name: note.book.clone(), numbers: Vec::new() }
    }
}

#[command(create = if_missing, retry = Retry::fixed(1000, Duration::from_millis(5)))]
async fn note(note: Note, book: &mut Book) {
    book.numbers.push(note.number);
}

/// Runs jobs until it is killed, if it was started as a process of a fleet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_the_fleet() {
    let (Ok(schema), Some(url)) = (env::var(SCHEMA), url()) else { return };
    let store = loop {
        match PostgresStore::builder(url).schema(&schema).connect().await {
            Ok(store) => break store,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let _runtime = Runtime::builder(store).lease(Duration::from_secs(1)).start().await.unwrap();
    std::future::pending::<()>().await;
}

fn start(schema: &TestSchema) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "a_process_of_the_fleet"]).env(SCHEMA, &schema.name).env(URL, schema.url);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn signal(child: &Child, signal: &str) {
    let _ = Command::new("kill").args([signal, &child.id().to_string()]).status();
}

/// A pseudo-random number below a limit.
fn random(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r91_a_fleet_under_fire_loses_nothing_and_does_nothing_twice() {
    let Some(schema) = TestSchema::new() else { return };
    let store = schema.builder().connect().await.unwrap();
    let publisher = Runtime::builder(store).without_worker().start().await.unwrap();
    let mut fleet: Vec<Child> = (0..PROCESSES).map(|_| start(&schema)).collect();
    let publisher = Arc::new(publisher);
    let mut publishing = JoinSet::new();
    for task in 0..20 {
        let publisher = publisher.clone();
        publishing.spawn(async move {
            for number in (task..DEPOSITS).step_by(20) {
                publisher.publish(Deposit { account: format!("a-{}", number % 7) }).await.unwrap();
            }
        });
    }
    for book in ["x", "y"] {
        let publisher = publisher.clone();
        publishing.spawn(async move {
            for number in 0..NOTES {
                publisher.publish(Note { book: book.to_owned(), number }).await.unwrap();
            }
        });
    }

    let store = schema.builder().connect().await.unwrap();
    let (mut seed, started) = (Timestamp::now().as_microsecond().unsigned_abs(), Instant::now());
    println!("seed {seed}");
    let mut shots = 0;
    while !publishing.is_empty() || is_busy(&store).await {
        while publishing.try_join_next().is_some_and(|published| published.is_ok()) {}
        assert!(started.elapsed() < Duration::from_secs(240), "{:?}", store.count_jobs().await);
        if started.elapsed() < Duration::from_secs(20) {
            let target = usize::try_from(random(&mut seed, PROCESSES as u64)).unwrap();
            if random(&mut seed, 2) == 0 {
                fleet[target].kill().unwrap();
                fleet[target].wait().unwrap();
                fleet[target] = start(&schema);
            } else {
                signal(&fleet[target], "-STOP");
                tokio::time::sleep(Duration::from_millis(100 + random(&mut seed, 1400))).await;
                signal(&fleet[target], "-CONT");
            }
            shots += 1;
        }
        tokio::time::sleep(Duration::from_millis(random(&mut seed, 300))).await;
    }
    println!("{shots} shots, {:?}", started.elapsed());
    for process in &mut fleet {
        process.kill().unwrap();
        process.wait().unwrap();
    }

    let load = async |entity, id: &str| {
        let key = EntityKey { entity, id: enact::Key::from_text(id) };
        store.entity(&key).await.unwrap().unwrap().body.value().unwrap()
    };
    let (mut deposited, mut counted) = (0, 0);
    for account in 0..7 {
        deposited += load("Account", &format!("a-{account}")).await["cents"].as_u64().unwrap();
        counted += load("Tally", &format!("a-{account}")).await["cents"].as_u64().unwrap();
    }
    assert_eq!((deposited, counted), (u64::from(DEPOSITS), u64::from(DEPOSITS)));
    for book in ["x", "y"] {
        let numbers: Vec<u32> = serde_json::from_value(load("Book", book).await["numbers"].clone()).unwrap();
        assert_eq!(numbers, (0..NOTES).collect::<Vec<_>>());
    }
    let failed = store.jobs(&JobQuery::new().state(JobState::Failed)).await.unwrap().jobs;
    assert!(failed.is_empty(), "{failed:?}");
    let mut events = 0;
    let mut cursor = enact::Cursor::START;
    loop {
        let page = store.events(&cursor, 500).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = last.cursor.clone();
        events += page.len();
    }
    assert_eq!(events, DEPOSITS as usize);
}

async fn is_busy(store: &PostgresStore) -> bool {
    !store.count_live().await.is_ok_and(|live| live.is_empty())
}
