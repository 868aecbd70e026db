//! The table of states (r20): whatever is done to a job, it takes a way that is in the table, or the answer says why not.

use std::collections::BTreeSet;

use enact::store::{Changed, Commit, CommitError, NewJob};
use enact::{Job, JobId, JobState};

use super::Subject;
use super::sample::{at, due, job, key, worker};
use super::taken::Taken;

/// How a job has come to where it stands, in a lane of its own.
#[derive(Clone, Copy, Debug)]
enum Scene {
    WaitsForTime,
    WaitsForTurn,
    WaitsForPredecessor,
    IsReady,
    IsClaimed,
    IsExecuted,
    HasSucceeded,
    HasFailed,
    HasFailedInFrontOfAnother,
    IsCancelled,
}

const SCENES: [Scene; 10] = [
    Scene::WaitsForTime,
    Scene::WaitsForTurn,
    Scene::WaitsForPredecessor,
    Scene::IsReady,
    Scene::IsClaimed,
    Scene::IsExecuted,
    Scene::HasSucceeded,
    Scene::HasFailed,
    Scene::HasFailedInFrontOfAnother,
    Scene::IsCancelled,
];

/// What is done to it, or to one that it has to do with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Claim,
    Succeed,
    Fail,
    RetryByItself,
    GiveUp,
    Cancel,
    RetryByHand,
    EndTheOther,
    CancelTheOther,
}

const ACTS: [Act; 9] = [
    Act::Claim,
    Act::Succeed,
    Act::Fail,
    Act::RetryByItself,
    Act::GiveUp,
    Act::Cancel,
    Act::RetryByHand,
    Act::EndTheOther,
    Act::CancelTheOther,
];

/// A job to be tried, and another that it waits for, or that stands in its lane.
struct Stage {
    id: JobId,
    other: Option<JobId>,
}

impl Scene {
    /// Brings a job about that stands so, in a lane and under names that nobody else has.
    async fn set(self, store: &Subject, lane: &str) -> Stage {
        let in_lane = |name: &str| NewJob { order_key: Some(key(lane)), ..job(&format!("{name} {lane}")) };
        let [own, other] = [in_lane("own"), in_lane("other")];
        match self {
            Self::WaitsForTime => alone(store.publish(NewJob { due_at: Some(at(9)), ..own }).await),
            Self::WaitsForTurn => {
                let other = store.publish(other).await;
                Stage { id: store.publish(own).await, other: Some(other) }
            }
            Self::WaitsForPredecessor => {
                let other = store.publish(NewJob { order_key: None, ..other }).await;
                let id = store.publish(NewJob { after: vec![other], ..own }).await;
                Stage { id, other: Some(other) }
            }
            Self::IsReady => alone(store.publish(own).await),
            Self::IsClaimed => alone(store.run(own).await.job.id),
            Self::IsExecuted => {
                alone(store.execute(NewJob { order_key: None, ..own }, &worker("w")).await.job.id)
            }
            Self::HasSucceeded => alone(store.succeeded(own).await),
            Self::HasFailed => alone(store.failed(own).await),
            Self::HasFailedInFrontOfAnother => {
                let id = store.failed(own).await;
                Stage { id, other: Some(store.publish(other).await) }
            }
            Self::IsCancelled => {
                let id = store.publish(own).await;
                store.called_off(id).await;
                alone(id)
            }
        }
    }
}

fn alone(id: JobId) -> Stage {
    Stage { id, other: None }
}

/// The attempt that a job's worker would end, whatever the job's state is.
fn attempt_of(job: Job) -> Taken {
    Taken { job, worker: worker("w"), started_at: at(0) }
}

impl Act {
    /// Does it. What it refuses is refused with an answer that says so.
    async fn is_done(self, store: &Subject, stage: &Stage) {
        let before = store.find(stage.id).await;
        let (from, taken) = (before.state, attempt_of(before));
        match self {
            Self::Claim => {
                let claimed = store.claim_ids(&[&*taken.job.name], 9, at(9)).await;
                assert_eq!(claimed.contains(&stage.id), store.state(stage.id).await != from);
            }
            Self::Succeed => commit(store, from, taken.succeeds()).await,
            Self::Fail => commit(store, from, taken.fails()).await,
            Self::RetryByItself => commit(store, from, taken.retries(at(50))).await,
            Self::GiveUp => commit(store, from, taken.is_lost(0)).await,
            Self::Cancel => answered(&store.call_off(stage.id).await, stage.id, from, !from.has_ended()),
            Self::RetryByHand => {
                answered(&store.run_again(stage.id).await, stage.id, from, from == JobState::Failed);
            }
            Self::EndTheOther => {
                let Some(other) = stage.other else { return };
                let name = store.find(other).await.name;
                let taken = store.take(&worker("w"), &name, at(0)).await;
                store.accept(taken.succeeds()).await;
            }
            Self::CancelTheOther => {
                let Some(other) = stage.other else { return };
                store.called_off(other).await;
            }
        }
    }
}

/// A commit is accepted if the job runs, and refused by the fence if it does not.
async fn commit(store: &Subject, from: JobState, commit: Commit) {
    match store.commit(commit).await {
        Ok(_) => assert_eq!(from, JobState::Running),
        Err(CommitError::Fenced) => assert_ne!(from, JobState::Running),
        Err(error) => panic!("{error:?}"),
    }
}

fn answered(answer: &Changed, id: JobId, from: JobState, is_legal: bool) {
    let expected = if is_legal { Changed::Done(vec![id]) } else { Changed::Illegal(from) };
    assert_eq!(*answer, expected);
}

pub async fn r20_of_all_pairs_of_states_those_of_the_table_are_reached_and_no_others(store: Subject) {
    let mut reached = BTreeSet::new();
    for (row, scene) in SCENES.into_iter().enumerate() {
        for (column, act) in ACTS.into_iter().enumerate() {
            let stage = scene.set(&store, &format!("{row}.{column}")).await;
            let from = store.state(stage.id).await;
            act.is_done(&store, &stage).await;
            let to = store.state(stage.id).await;
            if from != to {
                // A claim takes what has become due two steps on.
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
    let pairs = JobState::ALL.iter().flat_map(|from| JobState::ALL.map(|to| (*from, to)));
    for (from, to) in pairs {
        assert_eq!(from.may_become(to), reached.contains(&(from, to)), "{from} to {to}");
    }
}

pub async fn r20_what_is_due_is_ready_before_it_runs(store: Subject) {
    let id = store.publish(due(at(5), "ship")).await;
    assert_eq!(store.claim_ids(&["other"], 9, at(5)).await, []);

    assert_eq!(store.state(id).await, JobState::Ready);
}
