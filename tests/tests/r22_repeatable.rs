//! A store is told which attempts must never be forgotten, because they are never repeated (r22). That SQLite waits for the
//! disk with these is tested where its disk can be made to stand still.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use common::watched::{Watch, Watched};
use enact::MemoryStore;
use enact::prelude::*;
use enact::store::{Commit, NewJob};

/// Ring once.
#[command]
struct Ring {}

#[command]
async fn ring(_: Ring) {
    emit(Rung {});
}

/// Ring until somebody hears.
#[command]
struct RingOn {}

#[command(retry = Retry::fixed(2, Duration::ZERO))]
async fn ring_on(_: RingOn) {}

/// Ring, with a policy that comes to nothing.
#[command]
struct RingOnce {}

#[command(retry = Retry::fixed(1, Duration::from_secs(1)))]
async fn ring_once(_: RingOnce) {}

/// Somebody has rung.
#[event]
struct Rung {}

#[event_handler]
async fn open(_: Rung) {}

#[event_handler(retry = Retry::exponential(3, Duration::from_secs(1)))]
async fn bark(_: Rung) {}

/// Keeps which jobs a store was given.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<BTreeMap<Arc<str>, bool>>>);

#[async_trait]
impl Watch for Told {
    async fn submitting(&self, jobs: &[NewJob]) {
        self.0.lock().unwrap().extend(jobs.iter().map(|job| (job.name.clone(), job.repeatable)));
    }

    async fn committing(&self, commit: &Commit) {
        self.submitting(&commit.jobs).await;
    }
}

#[tokio::test]
async fn r22_a_store_is_told_what_may_be_repeated() {
    let told = Told::default();
    let store = Watched { store: MemoryStore::new(), watch: told.clone() };
    let runtime = Runtime::builder(store).start().await.unwrap();
    let repeatable = || told.0.lock().unwrap().clone();
    runtime.execute(Ring {}).await.unwrap();
    assert_eq!(repeatable(), [("Ring".into(), false), ("bark".into(), true), ("open".into(), false)].into());
    told.0.lock().unwrap().clear();

    runtime.publish(RingOn {}).await.unwrap();
    runtime.publish_json("RingOnce", serde_json::json!({})).await.unwrap();
    runtime.emit(Rung {}).await.unwrap();
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
    let commands = [("RingOn".into(), true), ("RingOnce".into(), false)];
    let handlers = [("bark".into(), true), ("open".into(), false)];
    assert_eq!(repeatable(), commands.into_iter().chain(handlers).collect());
}
