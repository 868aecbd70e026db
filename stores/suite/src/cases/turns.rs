//! Turns: of the claimed jobs of an entity one runs at a time, and the others pass it by (r17).

use std::sync::Arc;

use enact::store::{Begin, Claim, Claimable, Claimed, Commit, JobCount, NewJob, Release, Store};
use enact::{JobId, JobKind, JobQuery, JobState};
use jiff::Timestamp;

use crate::TestStore;
use crate::attempt::RunningAttempt;
use crate::sample::{ENTITIES, With, after, at, due, in_lane, job, key, worker};

const ACCOUNT: Option<&str> = Some(ENTITIES[0]);
const ORDER: Option<&str> = Some(ENTITIES[1]);

/// A job with a target.
pub(super) fn on(target: &str, name: &str) -> NewJob {
    job(name).with(|job| job.target = Some(key(target)))
}

fn urgent(priority: i32, job: NewJob) -> NewJob {
    job.with(|job| job.priority = priority)
}

/// A claim by worker `w`, from one queue.
pub(super) fn claim_of(names: &[(&str, Option<&'static str>)], room: usize, now: Timestamp) -> Claim {
    let claimable = |entity| Claimable { queue: 0, entity };
    let names = names.iter().map(|(name, entity)| ((*name).into(), claimable(*entity))).collect();
    Claim { worker: worker("w"), names: Arc::new(names), room: vec![room], batch: 0, now }
}

async fn claim_from(
    store: &dyn Store,
    names: &[(&str, Option<&'static str>)],
    now: Timestamp,
) -> Vec<RunningAttempt> {
    running(store.claim(claim_of(names, 9, now)).await.expect("claim"), now)
}

fn running(claimed: Claimed, started_at: Timestamp) -> Vec<RunningAttempt> {
    let attempt = |job| RunningAttempt { job, worker: worker("w"), started_at };
    claimed.jobs.into_iter().map(attempt).collect()
}

fn ids(claimed: &[RunningAttempt]) -> Vec<JobId> {
    claimed.iter().map(|active| active.job.id).collect()
}

/// Claims jobs called `ship` and `bill`, which bind an account, at second 0.
async fn claim(store: &TestStore) -> Vec<RunningAttempt> {
    claim_from(&*store.handle(), &[("ship", ACCOUNT), ("bill", ACCOUNT)], at(0)).await
}

async fn claim_ids(store: &TestStore) -> Vec<JobId> {
    ids(&claim(store).await)
}

/// Claims the only job that can be claimed.
async fn claim_only(store: &TestStore, expected: JobId) -> RunningAttempt {
    let mut claimed = claim(store).await;
    assert_eq!(ids(&claimed), [expected]);
    claimed.remove(0)
}

async fn publish_on<const N: usize>(store: &TestStore, target: &str, name: &str) -> [JobId; N] {
    let jobs: [NewJob; N] = std::array::from_fn(|_| on(target, name));
    let ids = jobs.each_ref().map(|job| job.id);
    store.publish_all(jobs.into()).await;
    ids
}

pub(super) async fn release(store: &TestStore, active: &RunningAttempt, hold: bool) -> bool {
    let RunningAttempt { job, worker, .. } = active;
    let release = Release { job: job.id, worker: worker.clone(), number: job.attempts, lapsed: None, hold };
    store.release(release).await.expect("release")
}

pub async fn r17_the_claimed_jobs_of_an_entity_run_one_at_a_time(store: TestStore) {
    for id in publish_on::<4>(&store, "a", "ship").await {
        let active = claim_only(&store, id).await;
        assert_eq!(claim_ids(&store).await, [], "while one runs");
        store.accept(active.succeeds()).await;
    }
}

pub async fn r17_one_claim_passes_by_the_jobs_of_a_busy_entity(store: TestStore) {
    let [hot] = publish_on(&store, "hot", "ship").await;
    store.publish_all((0..300).map(|_| on("hot", "ship")).collect()).await;
    let [cold] = publish_on(&store, "cold", "ship").await;
    let [other] = publish_on(&store, "other", "bill").await;

    let claim = claim_of(&[("ship", ACCOUNT), ("bill", ACCOUNT)], 3, at(0));
    let claimed = running(store.claim(claim).await.expect("claim"), at(0));
    assert_eq!(ids(&claimed), [hot, cold, other]);
}

pub async fn r17_later_claims_pass_by_the_jobs_of_a_busy_entity(store: TestStore) {
    let [hot, ..] = publish_on::<20>(&store, "hot", "ship").await;
    let [cold] = publish_on(&store, "cold", "ship").await;
    for expected in [vec![hot], vec![cold], vec![]] {
        let claimed = store.claim(claim_of(&[("ship", ACCOUNT)], 1, at(0))).await.expect("claim");
        assert_eq!(ids(&running(claimed, at(0))), expected);
    }
    let [later, _] = publish_on(&store, "later", "ship").await;
    assert_eq!(claim_ids(&store).await, [later]);
}

pub async fn r17_a_job_in_line_is_ready(store: TestStore) {
    let [first, second] = publish_on(&store, "a", "ship").await;
    assert_eq!(claim_ids(&store).await, [first]);

    assert_eq!(store.find(second).await.state, JobState::Ready);
    let ready = store.page(&JobQuery::new().state(JobState::Ready)).await.jobs;
    assert_eq!(ready.iter().map(|job| job.id).collect::<Vec<_>>(), [second]);
    let count = |state| JobCount::new(JobKind::Command, "ship".into(), state, 1);
    assert_eq!(store.counts().await, [count(JobState::Ready), count(JobState::Running)]);
    assert_eq!(store.running_ids("w", 9).await, [first]);
    assert_eq!(store.attempts_of(second).await, []);
}

pub async fn r17_a_line_is_in_the_order_of_priority_then_sequence(store: TestStore) {
    let first = claim_only(&store, store.publish(on("a", "ship")).await).await;
    let low = store.publish(on("a", "ship")).await;
    let high = store.publish(urgent(2, on("a", "ship"))).await;
    let also_high = store.publish(urgent(2, on("a", "bill"))).await;
    assert_eq!(claim_ids(&store).await, []);
    // One that was never in line is compared with them.
    let highest = store.publish(urgent(3, on("a", "ship"))).await;

    store.accept(first.succeeds()).await;
    for id in [highest, high, also_high, low] {
        let active = claim_only(&store, id).await;
        store.accept(active.succeeds()).await;
    }
}

pub async fn r17_the_line_moves_on_however_a_turn_ends(store: TestStore) {
    for end in
        ["succeeds", "fails", "retries", "is rescued", "is cancelled", "is released", "hold is released"]
    {
        let [first, second, third] = publish_on(&store, end, "ship").await;
        let active = claim_only(&store, first).await;
        assert_eq!(claim_ids(&store).await, [], "before it {end}");
        let commit = match end {
            "succeeds" => Some(active.succeeds()),
            "fails" => Some(active.fails()),
            "retries" => Some(active.retries(at(50))),
            "is rescued" => Some(active.is_rescued(0)),
            _ => None,
        };
        if let Some(commit) = commit {
            assert!(store.accept(commit).await.has_work, "there is a job to claim once it {end}");
        } else if end == "is cancelled" {
            store.must_cancel(first).await;
            assert_eq!(claim_ids(&store).await, [], "before the attempt has ended");
            assert!(store.release_attempt(&active).await);
        } else {
            if end == "hold is released" {
                assert!(release(&store, &active, true).await);
                assert_eq!(claim_ids(&store).await, [], "while it is held");
            }
            assert!(release(&store, &active, false).await);
            // It was first, and still is.
            let again = claim_only(&store, first).await;
            store.accept(again.succeeds()).await;
        }
        for id in [second, third] {
            let active = claim_only(&store, id).await;
            store.accept(active.succeeds()).await;
        }
    }
}

pub async fn r17_a_cancelled_held_job_ends_its_turn(store: TestStore) {
    let [first, second] = publish_on(&store, "a", "ship").await;
    let active = claim_only(&store, first).await;
    assert!(release(&store, &active, true).await);
    assert_eq!(claim_ids(&store).await, []);

    store.must_cancel(first).await;
    assert_eq!(claim_ids(&store).await, [], "it may have begun");
    assert!(store.release_attempt(&active).await);
    claim_only(&store, second).await;
}

pub async fn r17_a_commit_has_no_work_if_the_line_is_empty(store: TestStore) {
    let [first] = publish_on(&store, "a", "ship").await;
    let active = claim_only(&store, first).await;
    let [other, waiting] = publish_on(&store, "b", "ship").await;
    let other = claim_only(&store, other).await;
    assert_eq!(claim_ids(&store).await, []);

    assert!(!store.accept(active.succeeds()).await.has_work);
    assert!(store.accept(other.succeeds()).await.has_work);
    claim_only(&store, waiting).await;
}

pub async fn r17_all_names_share_the_turn_of_an_entity(store: TestStore) {
    let [first] = publish_on(&store, "a", "ship").await;
    let [second] = publish_on(&store, "a", "bill").await;
    let active = claim_only(&store, first).await;
    assert_eq!(claim_ids(&store).await, []);

    store.accept(active.succeeds()).await;
    claim_only(&store, second).await;
}

/// Claims with room for nine, and at most three jobs behind each that takes a turn. Returns the claimed jobs and those behind them.
async fn claim_with_batches(
    store: &TestStore,
    names: &[(&str, Option<&'static str>)],
) -> (Vec<RunningAttempt>, Vec<RunningAttempt>) {
    let claim = Claim { batch: 3, ..claim_of(names, 9, at(0)) };
    let claimed = store.handle().claim(claim).await.expect("claim");
    let held = |mut job: enact::Job| {
        assert_eq!(job.state, JobState::Ready);
        job.attempts += 1;
        RunningAttempt { job, worker: worker("w"), started_at: at(0) }
    };
    let behind = claimed.batches.iter().flat_map(|batch| &batch.jobs).cloned().map(held).collect();
    (running(claimed, at(0)), behind)
}

async fn begin(store: &TestStore, active: &RunningAttempt) -> bool {
    let RunningAttempt { job, worker, started_at: now } = active;
    let begin =
        Begin { job: job.id, worker: worker.clone(), number: job.attempts, repeatable: true, now: *now };
    store.begin(begin).await.expect("begin")
}

pub async fn r17_a_batch_has_the_first_in_line(store: TestStore) {
    let [first, second, third] = publish_on(&store, "a", "ship").await;
    let high = store.publish(urgent(2, on("a", "bill"))).await;
    let [fourth] = publish_on(&store, "a", "ship").await;
    let [other, another] = publish_on(&store, "b", "bill").await;

    let (jobs, behind) = claim_with_batches(&store, &[("ship", ACCOUNT), ("bill", ACCOUNT)]).await;
    assert_eq!(ids(&jobs), [high, other]);
    assert_eq!(
        ids(&behind),
        [first, second, third, another],
        "three of the one entity, and what there is of the other"
    );
    assert_eq!(store.running_ids("w", 9).await, [first, second, third, high, other, another]);
    assert_eq!(store.state(first).await, JobState::Ready, "it is held");

    // They run one after the other, and no claim takes what is left in line before all have ended.
    for active in jobs.iter().filter(|active| active.job.id == high).chain(&behind[..3]) {
        assert_eq!(claim_ids(&store).await, []);
        if active.job.id != high {
            assert!(begin(&store, active).await);
        }
        store.accept(active.succeeds()).await;
    }
    claim_only(&store, fourth).await;
}

pub async fn r17_batches_are_within_the_room_of_their_queue(store: TestStore) {
    let [first, second, _] = publish_on(&store, "a", "ship").await;
    let [alone] = publish_on(&store, "b", "ship").await;
    let claim = Claim { batch: 3, ..claim_of(&[("ship", ACCOUNT)], 3, at(0)) };
    let claimed = store.handle().claim(claim).await.expect("claim");
    let behind: Vec<_> = claimed.batches.iter().flat_map(|batch| &batch.jobs).map(|job| job.id).collect();
    assert_eq!(behind, [second], "the claimed jobs have the rest of the room");
    assert_eq!(ids(&running(claimed, at(0))), [first, alone]);
}

pub async fn r17_no_job_of_another_queue_is_overtaken_by_a_batch(store: TestStore) {
    let names =
        [("ship", 0), ("bill", 1)].map(|(name, queue)| (name.into(), Claimable { queue, entity: ACCOUNT }));
    let [first, second] = publish_on(&store, "a", "ship").await;
    let [of_another_queue] = publish_on(&store, "a", "bill").await;
    let [last] = publish_on(&store, "a", "ship").await;
    let claim =
        Claim { names: Arc::new(names.into()), room: vec![9, 9], batch: 3, ..claim_of(&[], 0, at(0)) };
    let claimed = store.handle().claim(claim).await.expect("claim");
    let behind: Vec<_> = claimed.batches.iter().flat_map(|batch| &batch.jobs).map(|job| job.id).collect();
    assert_eq!(behind, [second]);
    assert_eq!(ids(&running(claimed, at(0))), [first]);
    for id in [of_another_queue, last] {
        assert_eq!(store.state(id).await, JobState::Ready);
    }
    assert_eq!(store.running_ids("w", 9).await, [first, second]);
}

pub async fn r17_a_batch_has_no_job_that_binds_another_entity_now(store: TestStore) {
    for (target, ship_binds) in [("a", None), ("b", ORDER)] {
        // In a program in which both bind the account, they come in line for it.
        let active = claim_only(&store, store.publish(on(target, "bill")).await).await;
        let [first, second] = publish_on(&store, target, "bill").await;
        let [ship, of_another_entity] = publish_on(&store, target, "ship").await;
        let [last] = publish_on(&store, target, "bill").await;
        assert_eq!(claim_ids(&store).await, []);
        store.accept(active.succeeds()).await;

        let (jobs, behind) = claim_with_batches(&store, &[("ship", ship_binds), ("bill", ACCOUNT)]).await;
        // The first of each name has left the line.
        assert_eq!((ids(&jobs), ids(&behind)), (vec![first, ship], vec![second]));
        for id in [of_another_entity, last] {
            assert_eq!(store.state(id).await, JobState::Ready);
        }
    }
}

pub async fn r17_a_shared_turn_ends_with_the_last_of_its_jobs(store: TestStore) {
    for end in ["succeeds", "is released", "is cancelled", "is rescued"] {
        let [first, second, third] = publish_on(&store, end, "ship").await;
        let (jobs, behind) = claim_with_batches(&store, &[("ship", ACCOUNT)]).await;
        assert_eq!((ids(&jobs), ids(&behind)), (vec![first], vec![second, third]));
        let [next] = publish_on(&store, end, "ship").await;
        let [second, third] = &behind[..] else { unreachable!("there are two") };

        // Whichever ends first, the others keep the turn.
        store.accept(jobs[0].succeeds()).await;
        assert_eq!(claim_ids(&store).await, [], "the others have the turn");
        assert!(begin(&store, second).await);
        store.accept(second.succeeds()).await;
        assert_eq!(claim_ids(&store).await, [], "the last has the turn");
        match end {
            "succeeds" => {
                assert!(begin(&store, third).await);
                assert!(store.accept(third.succeeds()).await.has_work, "the line moves on");
            }
            "is cancelled" => {
                store.must_cancel(third.job.id).await;
                assert_eq!(claim_ids(&store).await, [], "before it is released");
                assert!(release(&store, third, false).await);
            }
            end => {
                let lapsed = (end == "is rescued").then_some(0);
                let RunningAttempt { job, worker, .. } = third;
                let (worker, number) = (worker.clone(), job.attempts);
                let release = Release { job: job.id, worker, number, lapsed, hold: false };
                assert!(store.release(release).await.expect("release"));
                // It was first in line, and still is.
                let again = claim_only(&store, third.job.id).await;
                store.accept(again.succeeds()).await;
            }
        }
        let last = claim_only(&store, next).await;
        store.accept(last.succeeds()).await;
    }
}

pub async fn r17_a_job_that_leaves_a_batch_waits_for_those_that_share_its_turn(store: TestStore) {
    let [first, second, third] = publish_on(&store, "a", "ship").await;
    let (jobs, behind) = claim_with_batches(&store, &[("ship", ACCOUNT)]).await;
    assert_eq!((ids(&jobs), ids(&behind)), (vec![first], vec![second, third]));
    assert!(release(&store, &behind[0], false).await);
    assert_eq!(claim_ids(&store).await, [], "two jobs have the turn");
    assert!(release(&store, &behind[1], false).await);
    assert_eq!(claim_ids(&store).await, [], "one has it");

    store.accept(jobs[0].succeeds()).await;
    for id in [second, third] {
        let active = claim_only(&store, id).await;
        store.accept(active.succeeds()).await;
    }
}

pub async fn r17_a_job_in_line_of_an_unclaimed_name_holds_up_no_other_name(store: TestStore) {
    let active = claim_only(&store, store.publish(on("a", "ship")).await).await;
    let [unclaimed, _] = publish_on(&store, "a", "ship").await;
    let [claimed, last] = publish_on(&store, "a", "bill").await;
    assert_eq!(claim_ids(&store).await, []);

    store.accept(active.succeeds()).await;
    let handle = store.handle();
    for id in [claimed, last] {
        let bill = claim_from(&*handle, &[("bill", ACCOUNT)], at(0)).await;
        assert_eq!(ids(&bill), [id]);
        store.accept(bill[0].succeeds()).await;
    }
    claim_only(&store, unclaimed).await;
}

pub async fn r17_a_job_in_line_of_a_full_queue_holds_up_no_other_queue(store: TestStore) {
    let names =
        [("ship", 0), ("bill", 1)].map(|(name, queue)| (name.into(), Claimable { queue, entity: ACCOUNT }));
    let claim = |room: [usize; 2]| Claim {
        names: Arc::new(names.clone().into()),
        room: room.into(),
        ..claim_of(&[], 0, at(0))
    };
    let active = claim_only(&store, store.publish(on("a", "ship")).await).await;
    publish_on::<1>(&store, "a", "ship").await;
    let [bill] = publish_on(&store, "a", "bill").await;
    assert_eq!(store.claim(claim([1, 1])).await.expect("claim").jobs, []);

    store.accept(active.succeeds()).await;
    let claimed = store.claim(claim([0, 1])).await.expect("claim");
    assert_eq!(ids(&running(claimed, at(0))), [bill]);
}

pub async fn r17_a_job_in_line_can_be_cancelled(store: TestStore) {
    let [first, second, third] = publish_on(&store, "a", "ship").await;
    let active = claim_only(&store, first).await;
    assert_eq!(claim_ids(&store).await, []);

    store.must_cancel(second).await;
    store.accept(active.succeeds()).await;
    claim_only(&store, third).await;
}

pub async fn r17_a_cancelled_job_that_has_left_the_line_lets_the_next_one_leave(store: TestStore) {
    let ids = publish_on::<4>(&store, "a", "ship").await;
    let active = claim_only(&store, ids[0]).await;
    assert_eq!(claim_ids(&store).await, []);
    store.accept(active.succeeds()).await;

    store.cancel_jobs(&ids[1..3]).await;
    claim_only(&store, ids[3]).await;
}

/// As when a program with an older version of the handler claims them.
pub async fn r17_jobs_that_have_left_the_line_can_be_claimed_without_a_turn(store: TestStore) {
    let [first, second, third, fourth] = publish_on(&store, "a", "ship").await;
    let active = claim_only(&store, first).await;
    assert_eq!(claim_ids(&store).await, []);
    let unbound = [("ship", None)];
    let handle = store.handle();
    assert_eq!(ids(&claim_from(&*handle, &unbound, at(0)).await), [], "they are in line");

    store.accept(active.succeeds()).await;
    let claimed = claim_from(&*handle, &unbound, at(0)).await;
    assert_eq!(ids(&claimed), [second, third, fourth], "the entity's turn stays free");
}

pub async fn r17_a_job_may_leave_one_line_and_enter_another(store: TestStore) {
    let [first, second, third] = publish_on(&store, "a", "ship").await;
    let account = claim_only(&store, first).await;
    assert_eq!(claim_ids(&store).await, []);
    let [other] = publish_on(&store, "a", "bill").await;
    let handle = store.handle();
    let order = claim_from(&*handle, &[("bill", ORDER)], at(0)).await;
    assert_eq!(ids(&order), [other]);

    store.accept(account.succeeds()).await;
    // From now on, `ship` binds an order.
    let ship = [("ship", ORDER)];
    assert_eq!(ids(&claim_from(&*handle, &ship, at(0)).await), []);
    store.accept(order[0].succeeds()).await;
    for id in [second, third] {
        let active = claim_from(&*handle, &ship, at(0)).await;
        assert_eq!(ids(&active), [id]);
        store.accept(active[0].succeeds()).await;
    }
}

pub async fn r17_jobs_that_bind_no_entity_take_no_turn(store: TestStore) {
    let without_target = [store.publish(job("ship")).await, store.publish(job("ship")).await];
    assert_eq!(claim_ids(&store).await, without_target);

    let unbound = publish_on::<2>(&store, "a", "ship").await;
    let handle = store.handle();
    assert_eq!(ids(&claim_from(&*handle, &[("ship", None)], at(0)).await), unbound);
    claim_only(&store, store.publish(on("a", "ship")).await).await;
}

pub async fn r17_jobs_that_start_on_submit_take_no_turn(store: TestStore) {
    let executed = store.execute(on("a", "ship"), &worker("w")).await;
    let active = claim_only(&store, store.publish(on("a", "ship")).await).await;
    let also_executed = store.execute(on("a", "ship"), &worker("w")).await;
    let [waiting] = publish_on(&store, "a", "ship").await;

    store.accept(executed.succeeds()).await;
    store.accept(also_executed.succeeds()).await;
    assert_eq!(claim_ids(&store).await, []);
    store.accept(active.succeeds()).await;
    claim_only(&store, waiting).await;
}

pub async fn r17_entities_have_turns_of_their_own(store: TestStore) {
    let handle = store.handle();
    let names = [("ship", ACCOUNT), ("bill", ORDER)];
    let [ship, bill] = [store.publish(on("a", "ship")).await, store.publish(on("a", "bill")).await];
    assert_eq!(ids(&claim_from(&*handle, &names, at(0)).await), [ship, bill], "two types");

    let targets = ["b", "B", "b ", " b", "", "\u{e9}", "e\u{301}", "b\0", "b\0c"];
    let mut published = Vec::new();
    for target in targets {
        published.push(store.publish(on(target, "ship")).await);
    }
    let claim = claim_of(&names, targets.len(), at(0));
    assert_eq!(ids(&running(store.claim(claim).await.expect("claim"), at(0))), published);
}

pub async fn r17_more_jobs_than_max_woken_enter_a_line_in_several_claims(store: TestStore) {
    let hot: Vec<NewJob> = (0..=2 * Claim::MAX_WOKEN).map(|_| on("hot", "ship")).collect();
    let first = hot[0].id;
    store.publish_all(hot).await;
    let [cold] = publish_on(&store, "cold", "ship").await;

    let claim = claim_of(&[("ship", ACCOUNT)], 2, at(0));
    let claimed = store.claim(claim.clone()).await.expect("claim");
    assert_eq!(claimed.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [first]);
    let mut next_due = claimed.next_due;
    let mut later = Vec::new();
    for _ in 0..3 {
        if next_due.is_none_or(|due_at| due_at > at(0)) {
            break;
        }
        let claim = Claim { room: vec![1], ..claim.clone() };
        let claimed = store.claim(claim).await.expect("claim");
        later.extend(claimed.jobs.iter().map(|job| job.id));
        next_due = if later.is_empty() { claimed.next_due } else { None };
    }
    assert_eq!(later, [cold]);
}

pub async fn r17_a_job_in_line_stays_at_the_head_of_its_lane(store: TestStore) {
    let active = claim_only(&store, store.publish(on("a", "ship")).await).await;
    let laned = |target: &str| in_lane("x", "ship").with(|job| job.target = Some(key(target)));
    let head = store.publish(laned("a")).await;
    let following = store.publish(laned("b")).await;
    assert_eq!(claim_ids(&store).await, []);
    assert_eq!(store.state(following).await, JobState::Waiting);

    store.accept(active.succeeds()).await;
    let head = claim_only(&store, head).await;
    assert!(release(&store, &head, false).await);
    assert_eq!(store.state(following).await, JobState::Waiting, "a released job is still the head");
    let head = claim_only(&store, head.job.id).await;
    store.accept(head.succeeds()).await;
    claim_only(&store, following).await;
}

pub async fn r17_a_cancelled_job_in_line_frees_its_lane(store: TestStore) {
    let active = claim_only(&store, store.publish(on("a", "ship")).await).await;
    let head = store.publish(in_lane("x", "ship").with(|job| job.target = Some(key("a")))).await;
    let following = store.publish(in_lane("x", "ship")).await;
    assert_eq!(claim_ids(&store).await, []);

    store.must_cancel(head).await;
    claim_only(&store, following).await;
    store.accept(active.succeeds()).await;
}

pub async fn r17_a_job_in_line_blocks_and_follows_predecessors(store: TestStore) {
    let active = claim_only(&store, store.publish(on("a", "ship")).await).await;
    let predecessor = store.publish(on("a", "ship")).await;
    let successor = store.publish(after([predecessor], "bill").with(|job| job.target = Some(key("a")))).await;
    assert_eq!(claim_ids(&store).await, []);
    assert_eq!(store.state(successor).await, JobState::Waiting);

    store.accept(active.succeeds()).await;
    let active = claim_only(&store, predecessor).await;
    assert!(store.accept(active.succeeds()).await.has_work);
    claim_only(&store, successor).await;
}

pub async fn r17_a_job_that_becomes_due_enters_the_line(store: TestStore) {
    let handle = store.handle();
    let names = [("ship", ACCOUNT)];
    let retried = claim_only(&store, store.publish(on("a", "ship")).await).await;
    store.accept(retried.retries(at(5))).await;
    let [next] = publish_on(&store, "a", "ship").await;
    let scheduled = store.publish(due(at(5), "ship").with(|job| job.target = Some(key("a")))).await;
    let active = claim_only(&store, next).await;

    assert_eq!(ids(&claim_from(&*handle, &names, at(5)).await), []);
    assert_eq!(store.state(retried.job.id).await, JobState::Ready);
    store.accept(active.succeeds()).await;
    let again = claim_from(&*handle, &names, at(5)).await;
    assert_eq!(ids(&again), [retried.job.id]);
    store.accept(again[0].succeeds()).await;
    assert_eq!(ids(&claim_from(&*handle, &names, at(5)).await), [scheduled]);
}

pub async fn r17_a_manually_retried_job_waits_for_its_turn(store: TestStore) {
    let [first, second, third] = publish_on(&store, "a", "ship").await;
    let failed = claim_only(&store, first).await;
    store.accept(failed.fails()).await;
    let active = claim_only(&store, second).await;

    store.retry_job(first).await;
    assert_eq!(claim_ids(&store).await, []);
    store.accept(active.succeeds()).await;
    let again = claim_only(&store, first).await;
    store.accept(again.succeeds()).await;
    claim_only(&store, third).await;
}

pub async fn r17_a_job_staged_for_the_entity_of_its_stager_is_claimed_next(store: TestStore) {
    let active = claim_only(&store, store.publish(on("a", "ship")).await).await;
    let staged = on("a", "bill");
    let id = staged.id;
    store.accept(Commit { jobs: vec![staged], ..active.succeeds() }).await;

    claim_only(&store, id).await;
}

pub async fn r17_a_turn_is_seen_by_every_process(store: TestStore) {
    let other = TestStore::sharing(&store);
    let [first, second, third] = publish_on(&store, "a", "ship").await;
    let active = claim_only(&store, first).await;
    assert_eq!(claim_ids(&other).await, []);
    assert_eq!(claim_ids(&store).await, []);

    store.accept(active.succeeds()).await;
    let active = claim_only(&other, second).await;
    assert_eq!(claim_ids(&store).await, []);
    // Entered by one process while the other one knows an empty line.
    let [solo] = publish_on(&store, "b", "ship").await;
    let solo = claim_only(&store, solo).await;
    let [behind] = publish_on(&other, "b", "ship").await;
    assert_eq!(claim_ids(&other).await, []);
    assert!(store.accept(solo.succeeds()).await.has_work);
    claim_only(&store, behind).await;
    other.accept(active.succeeds()).await;
    claim_only(&store, third).await;
}

pub async fn r17_turns_and_lines_survive_a_restart(store: TestStore) {
    let [first, second, third] = publish_on(&store, "a", "ship").await;
    let active = claim_only(&store, first).await;
    assert_eq!(claim_ids(&store).await, []);

    let store = store.reopened();
    assert_eq!(claim_ids(&store).await, []);
    store.accept(active.succeeds()).await;
    let store = store.reopened();
    let active = claim_only(&store, second).await;
    let store = store.reopened();
    store.must_cancel(active.job.id).await;
    let store = store.reopened();
    assert_eq!(claim_ids(&store).await, []);
    assert!(store.release_attempt(&active).await);
    claim_only(&store, third).await;
}
