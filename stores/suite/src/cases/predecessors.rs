//! Predecessors: a job waits until all of them have succeeded (r26).

use enact::JobState::{self, Cancelled, Ready, Running, Waiting};
use enact::store::{Changed, Commit, CommitError, NewJob, Submitted};

use crate::TestStore;
use crate::sample::{With, after, at, due, event, in_lane, job, job_id, json, key, under_key, worker};

pub async fn r26_a_job_waits_until_its_predecessor_has_succeeded(store: TestStore) {
    let first = store.publish(job("first")).await;
    let second = store.publish(after([first], "second")).await;
    let waiting = store.find(second).await;
    assert_eq!((waiting.state, waiting.due_at, waiting.spec.after), (Waiting, None, vec![first]));
    assert_eq!(store.claim_by(&worker("w"), &["second"], 9, at(99)).await.next_due, None);

    let active = store.claim_one(&worker("w"), "first", at(0)).await;
    assert_eq!(store.state(second).await, Waiting);
    assert!(store.accept(active.succeeds()).await.has_work);
    assert_eq!(store.state(second).await, Ready);
    assert_eq!(store.claim_ids(&["second"], 9, at(0)).await, [second]);
}

pub async fn r26_a_job_waits_for_all_its_predecessors(store: TestStore) {
    let firsts =
        [store.publish(job("a")).await, store.publish(job("b")).await, store.publish(job("c")).await];
    let last = store.publish(after(firsts, "last")).await;
    for name in ["b", "a", "c"] {
        assert_eq!(store.state(last).await, Waiting, "before {name}");
        let active = store.claim_one(&worker("w"), name, at(0)).await;
        store.accept(active.succeeds()).await;
    }
    assert_eq!(store.state(last).await, Ready);
}

pub async fn r26_a_predecessor_may_be_named_twice(store: TestStore) {
    let first = store.publish(job("first")).await;
    let second = store.publish(after([first, first], "second")).await;
    let active = store.claim_one(&worker("w"), "first", at(0)).await;
    store.accept(active.succeeds()).await;

    assert_eq!(store.state(second).await, Ready);
    assert_eq!(store.find(second).await.after, [first, first], "stored as submitted");
}

pub async fn r26_a_predecessor_releases_all_its_successors(store: TestStore) {
    let active = store.run(job("first")).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(store.publish(after([active.job.id], "second")).await);
    }
    store.accept(active.succeeds()).await;

    assert_eq!(store.claim_ids(&["second"], 9, at(0)).await, others);
}

pub async fn r26_a_succeeded_predecessor_is_not_waited_for(store: TestStore) {
    let done = store.succeeded(job("first")).await;
    let second = store.publish(after([done], "second")).await;

    assert_eq!(store.state(second).await, Ready);
}

pub async fn r26_a_retried_predecessor_is_waited_for(store: TestStore) {
    let active = store.run(job("first")).await;
    let second = store.publish(after([active.job.id], "second")).await;
    store.accept(active.retries(at(5))).await;
    assert_eq!(store.state(second).await, Waiting);

    let again = store.claim_one(&worker("w"), "first", at(5)).await;
    store.accept(again.succeeds()).await;
    assert_eq!(store.state(second).await, Ready);
}

pub async fn r26_a_job_waits_for_a_failed_predecessor_until_a_manual_retry_succeeds(store: TestStore) {
    let active = store.run(job("first")).await;
    let before = store.publish(after([active.job.id], "second")).await;
    assert!(!store.accept(active.fails()).await.has_work);
    let following = store.publish(after([active.job.id], "second")).await;
    assert_eq!([store.state(before).await, store.state(following).await], [Waiting; 2]);
    assert_eq!(store.claim_ids(&["second"], 9, at(99)).await, []);

    store.retry_job(active.job.id).await;
    let again = store.claim_one(&worker("w"), "first", at(0)).await;
    store.accept(again.succeeds()).await;
    assert_eq!(store.claim_ids(&["second"], 9, at(0)).await, [before, following]);
}

pub async fn r26_cancelling_a_job_cancels_its_successors(store: TestStore) {
    let first = store.publish(job("first")).await;
    let second = store.publish(after([first], "second")).await;
    let third = store.publish(after([second], "third")).await;
    let other = store.publish(job("other")).await;

    let Changed::Done(ids) = store.cancel_job(first).await else { panic!("not cancelled") };
    assert_eq!(ids[0], first);
    assert_eq!(sorted(ids), sorted(vec![first, second, third]));
    for id in [first, second, third] {
        let job = store.find(id).await;
        assert_eq!((job.state, job.ended_at, job.failure), (Cancelled, Some(at(9)), None));
    }
    assert_eq!(store.state(other).await, Ready);
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items
}

pub async fn r26_a_job_with_two_cancelled_predecessors_is_cancelled_once(store: TestStore) {
    let root = store.publish(job("root")).await;
    let left = store.publish(after([root], "left")).await;
    let right = store.publish(after([root], "right")).await;
    let last = store.publish(after([left, right], "last")).await;

    let Changed::Done(ids) = store.cancel_job(root).await else { panic!("not cancelled") };
    assert_eq!(sorted(ids), sorted(vec![root, left, right, last]));
}

pub async fn r26_a_long_chain_is_cancelled_completely(store: TestStore) {
    let mut chain = vec![job("link")];
    for index in 0..500 {
        chain.push(after([chain[index].id], "link"));
    }
    let first = chain[0].id;
    store.publish_all(chain).await;

    let Changed::Done(ids) = store.cancel_job(first).await else { panic!("not cancelled") };
    assert_eq!(ids.len(), 501);
    assert!(store.all_jobs().await.iter().all(|job| job.state == Cancelled));
}

pub async fn r26_one_cancelled_predecessor_cancels_a_job(store: TestStore) {
    let [one, two] = [store.publish(job("one")).await, store.publish(job("two")).await];
    let last = store.publish(after([one, two], "last")).await;
    store.must_cancel(two).await;
    assert_eq!(store.state(last).await, Cancelled);

    // Its other predecessor is unaffected.
    let active = store.claim_one(&worker("w"), "one", at(0)).await;
    store.accept(active.succeeds()).await;
    assert_eq!(store.state(last).await, Cancelled);
}

pub async fn r26_a_job_submitted_after_a_cancelled_one_starts_cancelled(store: TestStore) {
    let first = store.publish(job("first")).await;
    store.must_cancel(first).await;
    let new = under_key("k", "second", json(1)).with(|job| job.after = vec![first]).with(|job| {
        job.order_key = Some(key("x"));
        job.due_at = Some(at(50));
        job.created_at = at(20);
    });
    let second = store.publish(new.clone()).await;

    assert_eq!(store.find(second).await, new.into_job(Cancelled));
    assert_eq!(store.find(second).await.ended_at, Some(at(20)));
    assert_eq!(store.attempts_of(second).await, []);
    let third = store.publish(after([second], "third")).await;
    assert_eq!(store.state(third).await, Cancelled);
    let beside = store.publish(in_lane("x", "beside")).await;
    assert_eq!(store.state(beside).await, Ready, "it does not occupy the lane");
    assert_eq!(store.claim_by(&worker("w"), &["second", "third"], 9, at(99)).await.next_due, None);
    let again = store.publish_all(vec![under_key("k", "second", json(1))]).await;
    assert_eq!(again, [Submitted::New], "it does not occupy its key");
}

pub async fn r26_a_predecessor_may_be_part_of_the_same_call(store: TestStore) {
    let first = job("first");
    let second = after([first.id], "second");
    let ids = [first.id, second.id];
    assert_eq!(store.publish_all(vec![first, second]).await, [Submitted::New, Submitted::New]);
    assert_eq!([store.state(ids[0]).await, store.state(ids[1]).await], [Ready, Waiting]);
}

pub async fn r26_a_job_with_an_unknown_predecessor_is_refused(store: TestStore) {
    let missing = job_id();
    let [first, last] = [job("first"), job("last")];
    let ids = [first.id, last.id];
    let results = store.publish_all(vec![first, after([missing], "second"), last]).await;

    assert_eq!(results, [Submitted::New, Submitted::NoPredecessor(missing), Submitted::New]);
    assert_eq!(store.all_ids().await, ids);
    // Neither is a successor of a refused job.
    let refused = after([missing], "refused");
    let following = after([refused.id], "following");
    let refused_id = refused.id;
    let results = store.publish_all(vec![refused, following]).await;
    assert_eq!(results, [Submitted::NoPredecessor(missing), Submitted::NoPredecessor(refused_id)]);
    assert_eq!(store.all_ids().await, ids);
}

pub async fn r26_a_job_cannot_follow_itself_or_a_later_job(store: TestStore) {
    let own = job_id();
    let later = job("later");
    let later_id = later.id;
    let jobs = vec![after([own], "own").with(|job| job.id = own), after([later_id], "earlier"), later];
    let results = store.publish_all(jobs).await;

    let expected = [Submitted::NoPredecessor(own), Submitted::NoPredecessor(later_id), Submitted::New];
    assert_eq!(results, expected);
    assert_eq!(store.all_ids().await, [later_id]);
}

pub async fn r15_no_event_is_stored_when_a_predecessor_is_unknown(store: TestStore) {
    store.publish(job("before")).await;
    let before = store.snapshot().await;
    let missing = job_id();
    let jobs = vec![job("on_sent"), after([missing], "second"), in_lane("x", "third")];
    let results = store.submit(vec![event("sent")], jobs).await.expect("submit");

    assert_eq!(results[1], Submitted::NoPredecessor(missing));
    assert_eq!(store.snapshot().await, before);
    let laned = store.publish(in_lane("x", "third")).await;
    assert_eq!(store.state(laned).await, Ready, "no job occupies the lane");
}

pub async fn r26_a_staged_job_may_follow_its_stager(store: TestStore) {
    let expected: [(&str, JobState); 3] = [("succeeds", Ready), ("fails", Waiting), ("retries", Waiting)];
    for (end, state) in expected {
        let active = store.run(job("first")).await;
        let staged = after([active.job.id], "second");
        let staged_id = staged.id;
        let commit = match end {
            "succeeds" => active.succeeds(),
            "fails" => active.fails(),
            _ => active.retries(at(50)),
        };
        store.accept(Commit { jobs: vec![staged], ..commit }).await;
        assert_eq!(store.state(staged_id).await, state, "{end}");
    }
}

pub async fn r26_a_commit_that_stages_a_job_with_an_unknown_predecessor_stores_nothing(store: TestStore) {
    let active = store.run(job("first")).await;
    let missing = job_id();
    let staged = after([missing], "second");
    let staged_id = staged.id;
    let jobs = vec![job("other"), staged];
    match store.refuse(Commit { jobs, events: vec![event("sent")], ..active.succeeds() }).await {
        CommitError::NoPredecessor { staged, after } => assert_eq!((staged, after), (staged_id, missing)),
        refusal => panic!("{refusal:?}"),
    }
    assert_eq!(store.state(active.job.id).await, Running);
    store.accept(active.succeeds()).await;
}

pub async fn r26_a_job_waits_for_both_its_due_time_and_its_predecessor(store: TestStore) {
    let active = store.run(job("first")).await;
    let second = store.publish(NewJob { due_at: Some(at(5)), ..after([active.job.id], "second") }).await;
    let claim = async |now| store.claim_by(&worker("w"), &["second"], 9, at(now)).await;
    let early = claim(9).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, None), "it also waits for its predecessor");
    assert_eq!(store.find(second).await.due_at, Some(at(5)));
    assert!(store.accept(active.succeeds()).await.has_work);
    assert_eq!(store.claim_ids(&["second"], 9, at(9)).await, [second]);

    let active = store.run(job("first")).await;
    let second = store.publish(NewJob { due_at: Some(at(50)), ..after([active.job.id], "second") }).await;
    assert!(store.accept(active.succeeds()).await.has_work);
    assert_eq!(store.state(second).await, Waiting);
    let early = claim(49).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, Some(at(50))));
    assert_eq!(claim(50).await.jobs[0].id, second);
}

pub async fn r26_a_job_waits_for_both_its_lane_and_its_predecessor(store: TestStore) {
    for last in ["lane", "predecessor"] {
        let in_front = store.run(in_lane(last, "front")).await;
        let first = store.run(job("first")).await;
        let both = in_lane(last, "second").with(|job| job.after = vec![first.job.id]);
        let second = store.publish(both).await;
        let [one, other] = if last == "lane" { [first, in_front] } else { [in_front, first] };
        store.accept(one.succeeds()).await;
        assert_eq!(store.state(second).await, Waiting, "until the {last} is free");
        store.accept(other.succeeds()).await;
        assert_eq!(store.state(second).await, Ready);
    }
}

pub async fn r26_a_job_with_a_due_time_waits_for_nothing_else(store: TestStore) {
    let new = due(at(5), "ship");
    let id = store.publish(new.clone()).await;
    assert_eq!(store.find(id).await, new.into_job(Waiting));

    let early = store.claim_by(&worker("w"), &["ship"], 9, at(4)).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, Some(at(5))));
    let active = store.claim_one(&worker("w"), "ship", at(5)).await;
    assert_eq!((active.job.id, active.job.due_at), (id, None));
}

/// A job under a key that is in use, and its successors.
fn chain() -> Vec<NewJob> {
    let known = under_key("k", "known", json(1));
    let second = after([known.id], "second");
    let third = after([second.id, known.id], "third");
    vec![known, second, third]
}

pub async fn r26_a_predecessor_that_exists_by_key_is_replaced_by_the_stored_job(store: TestStore) {
    let active = store.run(under_key("k", "known", json(1))).await;
    let known = active.job.id;
    let jobs = chain();
    let [second, third] = [jobs[1].id, jobs[2].id];
    let results = store.publish_all(jobs).await;

    assert_eq!(results, [Submitted::Existing(known), Submitted::New, Submitted::New]);
    let [waiting, last] = [store.find(second).await, store.find(third).await];
    assert_eq!((waiting.state, waiting.spec.after), (Waiting, vec![known]));
    assert_eq!((last.state, last.spec.after), (Waiting, vec![second, known]));
    store.accept(active.succeeds()).await;
    let active = store.claim_one(&worker("w"), "second", at(0)).await;
    assert_eq!(active.job.after, [known], "the claim returns the same");
    store.accept(active.succeeds()).await;
    assert_eq!(store.state(third).await, Ready);

    let again = chain();
    let following = again[1].id;
    store.publish_all(again).await;
    assert_eq!(store.state(following).await, Ready, "its predecessor has succeeded");
}

pub async fn r26_a_staged_predecessor_that_exists_by_key_is_replaced_by_the_stored_job(store: TestStore) {
    let known = store.publish(under_key("k", "known", json(1))).await;
    let active = store.run(job("first")).await;
    let jobs = chain();
    let [second, third] = [jobs[1].id, jobs[2].id];
    store.accept(Commit { jobs, ..active.succeeds() }).await;

    assert_eq!(store.find(second).await.after, [known]);
    let Changed::Done(ids) = store.cancel_job(known).await else { panic!("not cancelled") };
    assert_eq!(sorted(ids), sorted(vec![known, second, third]));
    let active = store.run(job("first")).await;
    let jobs = chain();
    let [known, second] = [jobs[0].id, jobs[1].id];
    store.accept(Commit { jobs, ..active.succeeds() }).await;
    assert_eq!(store.state(second).await, Waiting);
    assert_eq!(store.find(second).await.after, [known], "the cancelled one does not have the key any more");
}

pub async fn r26_a_predecessor_may_exist_by_the_key_of_an_earlier_job_of_the_call(store: TestStore) {
    let [first, same] = [under_key("k", "known", json(1)), under_key("k", "known", json(1))];
    let second = after([same.id], "second");
    let [first_id, second_id] = [first.id, second.id];
    let results = store.publish_all(vec![first, same, second]).await;

    assert_eq!(results, [Submitted::New, Submitted::Existing(first_id), Submitted::New]);
    let found = store.find(second_id).await;
    assert_eq!((found.state, found.spec.after), (Waiting, vec![first_id]));
}
