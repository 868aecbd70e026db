//! The state table (r20): every operation takes a transition of the table or reports why it cannot.

use std::collections::BTreeSet;

use enact::store::{Begin, Changed, Commit, CommitError, NewJob, Release, Start};
use enact::{Job, JobId, JobState};

use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{With, at, due, job, key, worker};

/// How a job got into its state, in a lane of its own.
#[derive(Clone, Copy, Debug)]
enum Scene {
    WaitsForTime,
    WaitsForTurn,
    WaitsForPredecessor,
    IsReady,
    IsClaimed,
    IsExecuted,
    IsHeld,
    HasSucceeded,
    HasFailed,
    HasFailedInFrontOfAnother,
    IsCancelled,
}

const SCENES: [Scene; 11] = [
    Scene::WaitsForTime,
    Scene::WaitsForTurn,
    Scene::WaitsForPredecessor,
    Scene::IsReady,
    Scene::IsClaimed,
    Scene::IsExecuted,
    Scene::IsHeld,
    Scene::HasSucceeded,
    Scene::HasFailed,
    Scene::HasFailedInFrontOfAnother,
    Scene::IsCancelled,
];

/// An operation on the job, or on the job that it depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Claim,
    Succeed,
    Fail,
    RetryByItself,
    GiveUp,
    Begin,
    TakeBack,
    Cancel,
    RetryByHand,
    EndTheOther,
    CancelTheOther,
}

const ACTS: [Act; 11] = [
    Act::Claim,
    Act::Succeed,
    Act::Fail,
    Act::RetryByItself,
    Act::GiveUp,
    Act::Begin,
    Act::TakeBack,
    Act::Cancel,
    Act::RetryByHand,
    Act::EndTheOther,
    Act::CancelTheOther,
];

/// The job under test, and another that it waits for or that shares its lane.
struct Stage {
    id: JobId,
    other: Option<JobId>,
}

impl Scene {
    /// Brings a job into this state, in a lane and under names of its own.
    async fn set(self, store: &TestStore, lane: &str) -> Stage {
        let in_lane = |name: &str| job(&format!("{name} {lane}")).with(|job| job.order_key = Some(key(lane)));
        let [own, other] = [in_lane("own"), in_lane("other")];
        match self {
            Self::WaitsForTime => alone(store.publish(NewJob { due_at: Some(at(9)), ..own }).await),
            Self::WaitsForTurn => {
                let other = store.publish(other).await;
                Stage { id: store.publish(own).await, other: Some(other) }
            }
            Self::WaitsForPredecessor => {
                let other = store.publish(other.with(|job| job.order_key = None)).await;
                let id = store.publish(own.with(|job| job.after = vec![other])).await;
                Stage { id, other: Some(other) }
            }
            Self::IsReady => alone(store.publish(own).await),
            Self::IsClaimed => alone(store.run(own).await.job.id),
            Self::IsExecuted => {
                alone(store.execute(own.with(|job| job.order_key = None), &worker("w")).await.job.id)
            }
            Self::IsHeld => {
                let start = Some(Start::Held(worker("w")));
                alone(store.publish(own.with(|job| (job.order_key, job.start) = (None, start))).await)
            }
            Self::HasSucceeded => alone(store.succeeded(own).await),
            Self::HasFailed => alone(store.failed(own).await),
            Self::HasFailedInFrontOfAnother => {
                let id = store.failed(own).await;
                Stage { id, other: Some(store.publish(other).await) }
            }
            Self::IsCancelled => {
                let id = store.publish(own).await;
                store.must_cancel(id).await;
                alone(id)
            }
        }
    }
}

fn alone(id: JobId) -> Stage {
    Stage { id, other: None }
}

/// The attempt that the job's worker would end, whatever the state of the job.
fn attempt_of(job: Job) -> RunningAttempt {
    RunningAttempt { job, worker: worker("w"), started_at: at(0) }
}

impl Act {
    /// Performs the operation and checks the result, which names the state if it is refused.
    async fn is_done(self, store: &TestStore, stage: &Stage) {
        let before = store.find(stage.id).await;
        let (from, active) = (before.state, attempt_of(before));
        match self {
            Self::Claim => {
                let claimed = store.claim_ids(&[&*active.job.name], 9, at(9)).await;
                assert_eq!(claimed.contains(&stage.id), store.state(stage.id).await != from);
            }
            Self::Succeed => commit(store, from, active.succeeds()).await,
            Self::Fail => commit(store, from, active.fails()).await,
            Self::RetryByItself => commit(store, from, active.retries(at(50))).await,
            Self::GiveUp => commit(store, from, active.is_rescued(0)).await,
            Self::Begin => {
                let is_held = from == JobState::Ready && is_taken(store, stage.id).await;
                let number = active.job.attempts + 1;
                let begin =
                    Begin { job: stage.id, worker: worker("w"), number, repeatable: true, now: at(0) };
                assert_eq!(store.begin(begin).await.expect("begin"), is_held);
            }
            Self::TakeBack => {
                let is_taken = is_taken(store, stage.id).await;
                let number = active.job.attempts + u32::from(from != JobState::Running);
                let release =
                    Release { job: stage.id, worker: worker("w"), number, lapsed: None, hold: false };
                assert_eq!(store.release(release).await.expect("release"), is_taken);
            }
            Self::Cancel => returned(&store.cancel_job(stage.id).await, stage.id, from, !from.has_ended()),
            Self::RetryByHand => {
                returned(&store.retry_job(stage.id).await, stage.id, from, from == JobState::Failed);
            }
            Self::EndTheOther => {
                let Some(other) = stage.other else { return };
                let name = store.find(other).await.spec.name;
                let active = store.claim_one(&worker("w"), &name, at(0)).await;
                store.accept(active.succeeds()).await;
            }
            Self::CancelTheOther => {
                let Some(other) = stage.other else { return };
                store.must_cancel(other).await;
            }
        }
    }
}

/// Whether the job's worker runs or holds it.
async fn is_taken(store: &TestStore, id: JobId) -> bool {
    store.running_ids("w", usize::from(u16::MAX)).await.contains(&id)
}

/// A commit is accepted if the job is running, and fenced otherwise.
async fn commit(store: &TestStore, from: JobState, commit: Commit) {
    match store.commit(commit).await {
        Ok(_) => assert_eq!(from, JobState::Running),
        Err(CommitError::Fenced) => assert_ne!(from, JobState::Running),
        Err(error) => panic!("{error:?}"),
    }
}

fn returned(result: &Changed, id: JobId, from: JobState, is_legal: bool) {
    let expected = if is_legal { Changed::Done(vec![id]) } else { Changed::Illegal(from) };
    assert_eq!(*result, expected);
}

pub async fn r20_exactly_the_transitions_of_the_table_occur(store: TestStore) {
    let mut reached = BTreeSet::new();
    for (row, scene) in SCENES.into_iter().enumerate() {
        for (column, act) in ACTS.into_iter().enumerate() {
            let stage = scene.set(&store, &format!("{row}.{column}")).await;
            let from = store.state(stage.id).await;
            act.is_done(&store, &stage).await;
            let to = store.state(stage.id).await;
            if from != to {
                // One claim takes a due job through two transitions.
                if act == Act::Claim && from == JobState::Waiting {
                    reached.extend([(from, JobState::Ready), (JobState::Ready, to)]);
                } else {
                    reached.insert((from, to));
                }
            }
        }
    }

    let table: BTreeSet<_> = JobState::TRANSITIONS.iter().map(|way| (way.from, way.to)).collect();
    assert_eq!(reached, table);
    let pairs = JobState::ALL.iter().flat_map(|from| JobState::ALL.iter().map(|to| (*from, *to)));
    for (from, to) in pairs {
        assert_eq!(from.may_become(to), reached.contains(&(from, to)), "{from} to {to}");
    }
}

pub async fn r20_a_due_job_is_ready_before_it_runs(store: TestStore) {
    let id = store.publish(due(at(5), "ship")).await;
    assert_eq!(store.claim_ids(&["other"], 9, at(5)).await, []);

    assert_eq!(store.state(id).await, JobState::Ready);
}
