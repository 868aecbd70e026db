//! Permits: how many jobs of a queue run at a time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use async_trait::async_trait;
use enact::MemoryStore;
use enact::prelude::*;
use enact::store::Commit;

use common::watched::{Watch, Watched};
use common::{Gate, settle};

/// Fail at once.
#[command]
struct Break {}

#[command]
async fn fail(_: Break) -> Result<(), String> {
    Err("broken".to_owned())
}

/// Delays the commits that store a failure.
struct DelayFailures(Arc<Gate>);

#[async_trait]
impl Watch for DelayFailures {
    async fn committing(&self, commit: &Commit) {
        if commit.attempt.failure.is_some() {
            self.0.pass().await;
        }
    }
}

#[tokio::test]
async fn a_failing_attempt_holds_its_permit_until_its_failure_is_stored() {
    let gate = Gate::new();
    let store = Watched { store: MemoryStore::new(), watch: DelayFailures(gate.clone()) };
    let runtime = Runtime::builder(store).concurrency(1).start().await.unwrap();
    let first = runtime.publish(Break {}).await.unwrap();
    let second = runtime.publish(Break {}).await.unwrap();

    gate.arrival().await;
    settle().await;
    assert_eq!(first.state().await.unwrap(), JobState::Running);
    assert_eq!(second.state().await.unwrap(), JobState::Ready);

    gate.open();
    gate.open();
    first.outcome().await.unwrap_err();
    second.outcome().await.unwrap_err();
}
