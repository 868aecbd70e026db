//! Links: a commit that follows one which was not stored is refused (r17).

use enact::JobState;
use enact::store::{Commit, CommitError, CommitLink};

use crate::TestStore;
use crate::sample::{account, job, worker, write, written};

fn follows(link: &CommitLink, commit: Commit) -> Commit {
    Commit { follows: Some(link.clone()), ..commit }
}

/// Makes a commit that must be refused because of the one that it follows.
async fn is_unfounded(store: &TestStore, commit: Commit) {
    let refusal = store.refuse(commit).await;
    assert!(matches!(refusal, CommitError::Unfounded), "{refusal:?}");
}

pub async fn r17_a_commit_that_follows_a_stored_one_is_stored(store: TestStore) {
    let mut link: Option<CommitLink> = None;
    for version in 0..3 {
        let active = store.execute(job("ship"), &worker("w")).await;
        let commit = Commit { write: Some(write(account("a"), version)), ..active.succeeds() };
        let commit = Commit { follows: link, ..commit };
        let own = commit.link.clone();
        assert!(own.is_pending() && !own.is_stored());
        store.accept(commit).await;
        assert!(own.is_stored() && !own.is_pending());
        link = Some(own);
    }
    assert_eq!(store.entity(&account("a")).await, Some(written(3)));
}

pub async fn r17_a_commit_that_follows_a_refused_one_stores_nothing(store: TestStore) {
    let fenced = store.run(job("ship")).await;
    store.must_cancel(fenced.job.id).await;
    let fenced = fenced.succeeds();
    let conflicting = store.execute(job("ship"), &worker("w")).await;
    let conflicting = Commit { write: Some(write(account("a"), 7)), ..conflicting.succeeds() };
    for refused in [fenced, conflicting] {
        let link = refused.link.clone();
        store.refuse(refused).await;
        assert!(!link.is_stored() && !link.is_pending());

        let active = store.execute(job("ship"), &worker("w")).await;
        let following = Commit { write: Some(write(account("a"), 0)), ..active.succeeds() };
        is_unfounded(&store, follows(&link, following)).await;
        assert_eq!(store.state(active.job.id).await, JobState::Running);
        is_unfounded(&store, follows(&link, active.retries(crate::sample::at(5)))).await;
        store.accept(active.fails()).await;
    }
}

pub async fn r17_a_commit_that_follows_an_undecided_one_stores_nothing(store: TestStore) {
    let active = store.run(job("ship")).await;
    is_unfounded(&store, follows(&CommitLink::new(), active.succeeds())).await;

    store.accept(active.succeeds()).await;
}

pub async fn r17_all_commits_of_a_chain_are_refused_with_its_first(store: TestStore) {
    let first = store.run(job("ship")).await;
    store.must_cancel(first.job.id).await;
    let refused = first.succeeds();
    let mut link = refused.link.clone();
    store.refuse(refused).await;
    for _ in 0..3 {
        let active = store.execute(job("ship"), &worker("w")).await;
        let commit = follows(&link, active.succeeds());
        link = commit.link.clone();
        is_unfounded(&store, commit).await;
    }
}

pub async fn r17_commits_are_decided_in_the_order_of_their_calls(store: TestStore) {
    const LENGTH: u64 = 50;
    for is_stored in [true, false] {
        let target = if is_stored { "stored" } else { "refused" };
        let (mut commits, mut link) = (Vec::new(), None);
        for version in 0..LENGTH {
            let active = store.execute(job("ship"), &worker("w")).await;
            // The first commit of the refused chain conflicts.
            let expected = version + u64::from(!is_stored);
            let commit = Commit { write: Some(write(account(target), expected)), ..active.succeeds() };
            let commit = Commit { follows: link, ..commit };
            link = Some(commit.link.clone());
            commits.push(commit);
        }
        let calls: Vec<_> = commits.into_iter().map(|commit| store.commit(commit)).collect();
        // The results are awaited from the last to the first.
        for call in calls.into_iter().rev() {
            assert_eq!(call.await.is_ok(), is_stored);
        }
        let expected = is_stored.then(|| written(LENGTH));
        assert_eq!(store.entity(&account(target)).await, expected);
    }
}

pub async fn r17_a_commit_takes_effect_even_if_its_future_is_dropped(store: TestStore) {
    let first = store.execute(job("ship"), &worker("w")).await;
    let second = store.execute(job("ship"), &worker("w")).await;
    let commit = Commit { write: Some(write(account("a"), 0)), ..first.succeeds() };
    let link = commit.link.clone();
    drop(store.commit(commit));

    let following = Commit { write: Some(write(account("a"), 1)), ..second.succeeds() };
    store.accept(follows(&link, following)).await;
    assert_eq!(store.state(first.job.id).await, JobState::Succeeded);
    assert_eq!(store.entity(&account("a")).await, Some(written(2)));
}
