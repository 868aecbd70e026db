//! Predecessors: a job waits until those that it comes after have succeeded (r26).

use enact::JobState::{self, Cancelled, Ready, Running, Waiting};
use enact::store::{Changed, Commit, CommitError, NewJob, Submitted};

use super::Subject;
use super::sample::{after, at, due, event, in_lane, job, job_id, json, key, under_key, worker};

pub async fn r26_a_job_waits_until_what_it_comes_after_has_succeeded(store: Subject) {
    let first = store.publish(job("first")).await;
    let second = store.publish(after([first], "second")).await;
    let waiting = store.find(second).await;
    assert_eq!((waiting.state, waiting.due_at, waiting.after), (Waiting, None, vec![first]));
    assert_eq!(store.claim_by(&worker("w"), &["second"], 9, at(99)).await.next_due, None);

    let taken = store.take(&worker("w"), "first", at(0)).await;
    assert_eq!(store.state(second).await, Waiting);
    assert!(store.accept(taken.succeeds()).await.has_work);
    assert_eq!(store.state(second).await, Ready);
    assert_eq!(store.claim_ids(&["second"], 9, at(0)).await, [second]);
}

pub async fn r26_a_job_waits_for_each_of_its_predecessors(store: Subject) {
    let firsts =
        [store.publish(job("a")).await, store.publish(job("b")).await, store.publish(job("c")).await];
    let last = store.publish(after(firsts, "last")).await;
    for name in ["b", "a", "c"] {
        assert_eq!(store.state(last).await, Waiting, "before {name}");
        let taken = store.take(&worker("w"), name, at(0)).await;
        store.accept(taken.succeeds()).await;
    }
    assert_eq!(store.state(last).await, Ready);
}

pub async fn r26_a_predecessor_that_is_named_twice_is_waited_for_once(store: Subject) {
    let first = store.publish(job("first")).await;
    let second = store.publish(after([first, first], "second")).await;
    let taken = store.take(&worker("w"), "first", at(0)).await;
    store.accept(taken.succeeds()).await;

    assert_eq!(store.state(second).await, Ready);
    assert_eq!(store.find(second).await.after, [first, first], "it is kept as it was written");
}

pub async fn r26_one_predecessor_releases_all_that_wait_for_it(store: Subject) {
    let taken = store.run(job("first")).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(store.publish(after([taken.job.id], "second")).await);
    }
    store.accept(taken.succeeds()).await;

    assert_eq!(store.claim_ids(&["second"], 9, at(0)).await, others);
}

pub async fn r26_a_predecessor_that_has_succeeded_is_not_waited_for(store: Subject) {
    let done = store.succeeded(job("first")).await;
    let second = store.publish(after([done], "second")).await;

    assert_eq!(store.state(second).await, Ready);
}

pub async fn r26_a_predecessor_that_is_retried_is_waited_for(store: Subject) {
    let taken = store.run(job("first")).await;
    let second = store.publish(after([taken.job.id], "second")).await;
    store.accept(taken.retries(at(5))).await;
    assert_eq!(store.state(second).await, Waiting);

    let again = store.take(&worker("w"), "first", at(5)).await;
    store.accept(again.succeeds()).await;
    assert_eq!(store.state(second).await, Ready);
}

pub async fn r26_a_job_after_one_that_has_failed_waits_until_that_is_retried_and_succeeds(store: Subject) {
    let taken = store.run(job("first")).await;
    let before = store.publish(after([taken.job.id], "second")).await;
    assert!(!store.accept(taken.fails()).await.has_work);
    let behind = store.publish(after([taken.job.id], "second")).await;
    assert_eq!([store.state(before).await, store.state(behind).await], [Waiting; 2]);
    assert_eq!(store.claim_ids(&["second"], 9, at(99)).await, []);

    store.run_again(taken.job.id).await;
    let again = store.take(&worker("w"), "first", at(0)).await;
    store.accept(again.succeeds()).await;
    assert_eq!(store.claim_ids(&["second"], 9, at(0)).await, [before, behind]);
}

pub async fn r26_what_comes_after_a_cancelled_job_is_cancelled_with_it(store: Subject) {
    let first = store.publish(job("first")).await;
    let second = store.publish(after([first], "second")).await;
    let third = store.publish(after([second], "third")).await;
    let other = store.publish(job("other")).await;

    let Changed::Done(ids) = store.call_off(first).await else { panic!("it is called off") };
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

pub async fn r26_a_job_after_two_that_are_cancelled_is_cancelled_once(store: Subject) {
    let root = store.publish(job("root")).await;
    let left = store.publish(after([root], "left")).await;
    let right = store.publish(after([root], "right")).await;
    let last = store.publish(after([left, right], "last")).await;

    let Changed::Done(ids) = store.call_off(root).await else { panic!("it is called off") };
    assert_eq!(sorted(ids), sorted(vec![root, left, right, last]));
}

pub async fn r26_a_long_chain_is_cancelled_whole(store: Subject) {
    let mut chain = vec![job("link")];
    for index in 0..500 {
        chain.push(after([chain[index].id], "link"));
    }
    let first = chain[0].id;
    store.publish_all(chain).await;

    let Changed::Done(ids) = store.call_off(first).await else { panic!("it is called off") };
    assert_eq!(ids.len(), 501);
    assert!(store.all_jobs().await.iter().all(|job| job.state == Cancelled));
}

pub async fn r26_one_cancelled_predecessor_of_several_is_enough(store: Subject) {
    let [one, two] = [store.publish(job("one")).await, store.publish(job("two")).await];
    let last = store.publish(after([one, two], "last")).await;
    store.called_off(two).await;
    assert_eq!(store.state(last).await, Cancelled);

    // What it waited for besides goes on.
    let taken = store.take(&worker("w"), "one", at(0)).await;
    store.accept(taken.succeeds()).await;
    assert_eq!(store.state(last).await, Cancelled);
}

pub async fn r26_what_comes_after_a_job_that_was_cancelled_is_cancelled_from_the_start(store: Subject) {
    let first = store.publish(job("first")).await;
    store.called_off(first).await;
    let new = NewJob {
        order_key: Some(key("x")),
        due_at: Some(at(50)),
        created_at: at(20),
        ..NewJob { after: vec![first], ..under_key("k", "second", json(1)) }
    };
    let second = store.publish(new.clone()).await;

    assert_eq!(store.find(second).await, new.into_job(Cancelled));
    assert_eq!(store.find(second).await.ended_at, Some(at(20)));
    assert_eq!(store.attempts_of(second).await, []);
    let third = store.publish(after([second], "third")).await;
    assert_eq!(store.state(third).await, Cancelled);
    let beside = store.publish(in_lane("x", "beside")).await;
    assert_eq!(store.state(beside).await, Ready, "it has no place in the lane");
    let again = store.publish_all(vec![under_key("k", "second", json(1))]).await;
    assert_eq!(again, [Submitted::Existing(second)], "it has its key");
    assert_eq!(store.claim_by(&worker("w"), &["second", "third"], 9, at(99)).await.next_due, None);
}

pub async fn r26_a_predecessor_may_be_part_of_the_same_call(store: Subject) {
    let first = job("first");
    let second = after([first.id], "second");
    let ids = [first.id, second.id];
    assert_eq!(store.publish_all(vec![first, second]).await, [Submitted::New, Submitted::New]);
    assert_eq!([store.state(ids[0]).await, store.state(ids[1]).await], [Ready, Waiting]);
}

pub async fn r26_a_job_after_one_that_there_is_not_is_not_added(store: Subject) {
    let missing = job_id();
    let [first, last] = [job("first"), job("last")];
    let ids = [first.id, last.id];
    let answers = store.publish_all(vec![first, after([missing], "second"), last]).await;

    assert_eq!(answers, [Submitted::New, Submitted::NoPredecessor(missing), Submitted::New]);
    assert_eq!(store.all_ids().await, ids);
    // Nor what comes after that one.
    let refused = after([missing], "refused");
    let behind = after([refused.id], "behind");
    let refused_id = refused.id;
    let answers = store.publish_all(vec![refused, behind]).await;
    assert_eq!(answers, [Submitted::NoPredecessor(missing), Submitted::NoPredecessor(refused_id)]);
    assert_eq!(store.all_ids().await, ids);
}

pub async fn r26_no_job_comes_after_itself_or_a_later_one(store: Subject) {
    let own = job_id();
    let later = job("later");
    let later_id = later.id;
    let jobs = vec![NewJob { id: own, ..after([own], "own") }, after([later_id], "earlier"), later];
    let answers = store.publish_all(jobs).await;

    let expected = [Submitted::NoPredecessor(own), Submitted::NoPredecessor(later_id), Submitted::New];
    assert_eq!(answers, expected);
    assert_eq!(store.all_ids().await, [later_id]);
}

pub async fn r15_events_are_not_put_on_record_without_a_job_that_has_no_predecessor(store: Subject) {
    store.publish(job("before")).await;
    let before = store.everything().await;
    let missing = job_id();
    let jobs = vec![job("on_sent"), after([missing], "second"), in_lane("x", "third")];
    let answers = store.submit(vec![event("sent")], jobs).await.expect("submit");

    assert_eq!(answers[1], Submitted::NoPredecessor(missing));
    assert_eq!(store.everything().await, before);
    let laned = store.publish(in_lane("x", "third")).await;
    assert_eq!(store.state(laned).await, Ready, "no job took a place in the lane");
}

pub async fn r26_a_staged_job_may_come_after_the_one_that_stages_it(store: Subject) {
    let expected: [(&str, JobState); 3] = [("succeeds", Ready), ("fails", Waiting), ("retries", Waiting)];
    for (end, state) in expected {
        let taken = store.run(job("first")).await;
        let staged = after([taken.job.id], "second");
        let staged_id = staged.id;
        let commit = match end {
            "succeeds" => taken.succeeds(),
            "fails" => taken.fails(),
            _ => taken.retries(at(50)),
        };
        store.accept(Commit { jobs: vec![staged], ..commit }).await;
        assert_eq!(store.state(staged_id).await, state, "{end}");
    }
}

pub async fn r26_a_commit_that_stages_a_job_after_one_that_there_is_not_leaves_nothing(store: Subject) {
    let taken = store.run(job("first")).await;
    let missing = job_id();
    let staged = after([missing], "second");
    let staged_id = staged.id;
    let jobs = vec![job("other"), staged];
    match store.refuse(Commit { jobs, events: vec![event("sent")], ..taken.succeeds() }).await {
        CommitError::NoPredecessor { staged, after } => assert_eq!((staged, after), (staged_id, missing)),
        refusal => panic!("{refusal:?}"),
    }
    assert_eq!(store.state(taken.job.id).await, Running);
    store.accept(taken.succeeds()).await;
}

pub async fn r26_a_job_waits_for_its_time_and_its_predecessor_whichever_comes_last(store: Subject) {
    let taken = store.run(job("first")).await;
    let second = store.publish(NewJob { due_at: Some(at(5)), ..after([taken.job.id], "second") }).await;
    let claim = async |now| store.claim_by(&worker("w"), &["second"], 9, at(now)).await;
    let early = claim(9).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, None), "it waits for more than a time");
    assert_eq!(store.find(second).await.due_at, Some(at(5)));
    assert!(store.accept(taken.succeeds()).await.has_work);
    assert_eq!(store.claim_ids(&["second"], 9, at(9)).await, [second]);

    let taken = store.run(job("first")).await;
    let second = store.publish(NewJob { due_at: Some(at(50)), ..after([taken.job.id], "second") }).await;
    assert!(store.accept(taken.succeeds()).await.has_work);
    assert_eq!(store.state(second).await, Waiting);
    let early = claim(49).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, Some(at(50))));
    assert_eq!(claim(50).await.jobs[0].id, second);
}

pub async fn r26_a_job_waits_for_its_turn_and_its_predecessor_whichever_comes_last(store: Subject) {
    for last in ["lane", "predecessor"] {
        let in_front = store.run(in_lane(last, "front")).await;
        let first = store.run(job("first")).await;
        let both = NewJob { after: vec![first.job.id], ..in_lane(last, "second") };
        let second = store.publish(both).await;
        let [one, other] = if last == "lane" { [first, in_front] } else { [in_front, first] };
        store.accept(one.succeeds()).await;
        assert_eq!(store.state(second).await, Waiting, "until the {last} is free");
        store.accept(other.succeeds()).await;
        assert_eq!(store.state(second).await, Ready);
    }
}

pub async fn r26_a_job_with_a_time_is_due_by_it_alone(store: Subject) {
    let new = due(at(5), "ship");
    let id = store.publish(new.clone()).await;
    assert_eq!(store.find(id).await, new.into_job(Waiting));

    let early = store.claim_by(&worker("w"), &["ship"], 9, at(4)).await;
    assert_eq!((early.jobs.len(), early.next_due), (0, Some(at(5))));
    let taken = store.take(&worker("w"), "ship", at(5)).await;
    assert_eq!((taken.job.id, taken.job.due_at), (id, None));
}

/// A job under a key that is taken, and what comes after it.
fn chain() -> Vec<NewJob> {
    let known = under_key("k", "known", json(1));
    let second = after([known.id], "second");
    let third = after([second.id, known.id], "third");
    vec![known, second, third]
}

pub async fn r26_what_comes_after_a_job_of_the_call_that_exists_comes_after_the_one_that_exists(
    store: Subject,
) {
    let taken = store.run(under_key("k", "known", json(1))).await;
    let known = taken.job.id;
    let jobs = chain();
    let [second, third] = [jobs[1].id, jobs[2].id];
    let answers = store.publish_all(jobs).await;

    assert_eq!(answers, [Submitted::Existing(known), Submitted::New, Submitted::New]);
    let [waiting, last] = [store.find(second).await, store.find(third).await];
    assert_eq!((waiting.state, waiting.after), (Waiting, vec![known]));
    assert_eq!((last.state, last.after), (Waiting, vec![second, known]));
    store.accept(taken.succeeds()).await;
    let taken = store.take(&worker("w"), "second", at(0)).await;
    assert_eq!(taken.job.after, [known], "whoever claims it is told the same");
    store.accept(taken.succeeds()).await;
    assert_eq!(store.state(third).await, Ready);

    let again = chain();
    let behind = again[1].id;
    store.publish_all(again).await;
    assert_eq!(store.state(behind).await, Ready, "it has succeeded by now");
}

pub async fn r26_a_staged_job_after_one_that_exists_comes_after_the_one_that_exists(store: Subject) {
    let known = store.publish(under_key("k", "known", json(1))).await;
    let taken = store.run(job("first")).await;
    let jobs = chain();
    let [second, third] = [jobs[1].id, jobs[2].id];
    store.accept(Commit { jobs, ..taken.succeeds() }).await;

    assert_eq!(store.find(second).await.after, [known]);
    let Changed::Done(ids) = store.call_off(known).await else { panic!("it is called off") };
    assert_eq!(sorted(ids), sorted(vec![known, second, third]));
    let taken = store.run(job("first")).await;
    let jobs = chain();
    let second = jobs[1].id;
    store.accept(Commit { jobs, ..taken.succeeds() }).await;
    assert_eq!(store.state(second).await, Cancelled, "it comes after a job that was called off");
}

pub async fn r26_a_job_may_come_after_one_of_the_call_that_exists_in_the_call(store: Subject) {
    let [first, same] = [under_key("k", "known", json(1)), under_key("k", "known", json(1))];
    let second = after([same.id], "second");
    let [first_id, second_id] = [first.id, second.id];
    let answers = store.publish_all(vec![first, same, second]).await;

    assert_eq!(answers, [Submitted::New, Submitted::Existing(first_id), Submitted::New]);
    let found = store.find(second_id).await;
    assert_eq!((found.state, found.after), (Waiting, vec![first_id]));
}
