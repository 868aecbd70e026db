//! The runtime marks jobs that may be repeated (r22), so that a store can wait for the disk before an attempt that must not be.
//! That SQLite does so is tested in its own crate, where the disk can be held.
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

/// Ring, with a retry policy.
#[command]
struct RingOn {}

#[command(retry = Retry::fixed(2, Duration::ZERO))]
async fn ring_on(_: RingOn) {}

/// Ring, with a retry policy that allows one attempt.
#[command]
struct RingOnce {}

#[command(retry = Retry::fixed(1, Duration::from_secs(1)))]
async fn ring_once(_: RingOnce) {}

/// The bell was rung.
#[event]
struct Rung {}

#[event_handler]
async fn open(_: Rung) {}

#[event_handler(retry = Retry::exponential(3, Duration::from_secs(1)))]
async fn bark(_: Rung) {}

/// Records whether each job that reached the store is repeatable.
#[derive(Clone, Default)]
struct Repeatable(Arc<Mutex<BTreeMap<Arc<str>, bool>>>);

#[async_trait]
impl Watch for Repeatable {
    async fn submitting(&self, jobs: &[NewJob]) {
        self.0.lock().unwrap().extend(jobs.iter().map(|job| (job.name.clone(), job.repeatable)));
    }

    async fn committing(&self, commit: &Commit) {
        self.submitting(&commit.jobs).await;
    }
}

#[tokio::test]
async fn r22_only_a_job_with_a_retry_policy_is_stored_as_repeatable() {
    let recorded = Repeatable::default();
    let store = Watched { store: MemoryStore::new(), watch: recorded.clone() };
    let runtime = Runtime::builder(store).start().await.unwrap();
    let repeatable = || recorded.0.lock().unwrap().clone();
    runtime.execute(Ring {}).await.unwrap();
    assert_eq!(repeatable(), [("Ring".into(), false), ("bark".into(), true), ("open".into(), false)].into());
    recorded.0.lock().unwrap().clear();

    runtime.publish(RingOn {}).await.unwrap();
    runtime.publish_json("RingOnce", serde_json::json!({})).await.unwrap();
    runtime.emit(Rung {}).await.unwrap();
    runtime.shutdown(Duration::from_secs(10)).await.unwrap();
    let commands = [("RingOn".into(), true), ("RingOnce".into(), false)];
    let handlers = [("bark".into(), true), ("open".into(), false)];
    assert_eq!(repeatable(), commands.into_iter().chain(handlers).collect());
}
