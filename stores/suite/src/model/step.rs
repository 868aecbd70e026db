//! The random calls. There are few names, lanes, keys and entities, so that they collide often. A step refers to a job by a
//! number modulo the number of stored jobs.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any as arbitrary, prop_oneof};
use proptest::sample::select;

use crate::sample::ENTITIES;

pub(crate) const NAMES: [&str; 2] = ["ship", "bill"];
pub(crate) const WORKERS: [&str; 2] = ["w", "v"];

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Time passes, or the clock is set back.
    Wait {
        seconds: i8,
    },
    Submit {
        events: u8,
        requests: Vec<Request>,
    },
    Tick {
        schedule: &'static str,
        knows_the_last: bool,
        requests: Vec<Request>,
    },
    /// The queue of each name, if it is claimed, and the type of entity that it binds.
    Claim {
        worker: &'static str,
        queues: [Option<usize>; NAMES.len()],
        entities: [Option<&'static str>; NAMES.len()],
        room: [usize; 2],
        batch: usize,
    },
    Begin(HeldAttempt),
    Release {
        attempt: HeldAttempt,
        hold: bool,
    },
    Renew {
        worker: &'static str,
    },
    /// Retires a worker, perhaps by an outdated renewal count.
    Retire {
        worker: &'static str,
        is_outdated: bool,
    },
    Running {
        worker: &'static str,
        limit: usize,
    },
    Commit(End),
    Cancel {
        jobs: Vec<u8>,
    },
    Retry {
        jobs: Vec<u8>,
    },
    /// For each end state, how many seconds ago jobs must have ended.
    Prune {
        ages: [Option<u8>; 3],
        limit: usize,
        continues: bool,
    },
    PruneEvents {
        age: u8,
        limit: usize,
    },
    Reopen,
}

/// A job to submit. `start` is the worker, and whether it holds the job instead of running it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) name: &'static str,
    pub(crate) payload: u8,
    pub(crate) priority: i32,
    pub(crate) start: Option<(&'static str, bool)>,
    pub(crate) target: Option<&'static str>,
    pub(crate) lane: Option<&'static str>,
    pub(crate) delay: Option<u8>,
    pub(crate) after: Vec<Predecessor>,
    pub(crate) key: Option<&'static str>,
    pub(crate) limit: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Predecessor {
    /// A stored one, or an earlier one of the same call, counted from the last.
    Known(u8),
    /// One that does not exist.
    Missing,
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) job: u8,
    pub(crate) fence: Fence,
    pub(crate) next: Next,
    /// The entity to write, and the version to expect if not the stored one.
    pub(crate) write: Option<(&'static str, Option<u64>)>,
    pub(crate) events: u8,
    pub(crate) requests: Vec<Request>,
    /// The commit that it follows, counted from the last. 0 is one that was never made.
    pub(crate) follows: Option<u8>,
}

/// An attempt to begin or to take back.
#[derive(Clone, Debug)]
pub(crate) struct HeldAttempt {
    pub(crate) job: u8,
    pub(crate) fence: Fence,
}

/// Who ends it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fence {
    /// The worker that runs it.
    Held,
    /// A rescue by the current renewal count.
    Lapsed,
    /// A rescue by an outdated renewal count.
    Outdated,
    /// The worker that ran it last, whatever its state.
    Anytime,
    AnotherWorker,
    AnotherAttempt,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Succeed,
    Fail,
    Retry { seconds: u8 },
    PutBack { seconds: u8 },
}

pub(crate) fn any() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => requests(3).prop_map(|requests| Step::Submit { events: 0, requests }),
        2 => (1..3_u8, requests(2)).prop_map(|(events, requests)| Step::Submit { events, requests }),
        1 => (select(&["s", "t"][..]), arbitrary::<bool>(), requests(1))
            .prop_map(|(schedule, knows_the_last, requests)| Step::Tick { schedule, knows_the_last, requests }),
        10 => (worker(), queues(), entities(), [0..6_usize, 0..3_usize], 0..4_usize).prop_map(
            |(worker, queues, entities, room, batch)| Step::Claim { worker, queues, entities, room, batch },
        ),
        3 => held_attempt().prop_map(Step::Begin),
        4 => (held_attempt(), arbitrary::<bool>()).prop_map(|(attempt, hold)| Step::Release { attempt, hold }),
        12 => end().prop_map(Step::Commit),
        3 => vec(0..20_u8, 1..3).prop_map(|jobs| Step::Cancel { jobs }),
        3 => vec(0..20_u8, 1..3).prop_map(|jobs| Step::Retry { jobs }),
        4 => prop_oneof![4 => 1..4_i8, 1 => -3..0_i8].prop_map(|seconds| Step::Wait { seconds }),
        2 => ([age(), age(), age()], 1..6_usize, arbitrary::<bool>())
            .prop_map(|(ages, limit, continues)| Step::Prune { ages, limit, continues }),
        1 => (0..3_u8, 0..3_usize).prop_map(|(age, limit)| Step::PruneEvents { age, limit }),
        1 => worker().prop_map(|worker| Step::Renew { worker }),
        1 => (worker(), arbitrary::<bool>())
            .prop_map(|(worker, is_outdated)| Step::Retire { worker, is_outdated }),
        1 => (worker(), 0..4_usize).prop_map(|(worker, limit)| Step::Running { worker, limit }),
        // Rare: for some stores it closes and opens a file.
        1 => prop_oneof![9 => Just(Step::Wait { seconds: 1 }), 1 => Just(Step::Reopen)],
    ]
}

fn worker() -> impl Strategy<Value = &'static str> {
    select(&WORKERS[..])
}

/// Mostly one queue for all names.
fn queues() -> impl Strategy<Value = [Option<usize>; NAMES.len()]> {
    prop_oneof![
        3 => Just([Some(0); NAMES.len()]),
        1 => [option::of(0..2_usize), option::of(0..2_usize)],
    ]
}

/// Mostly one type of entity for all names.
fn entities() -> impl Strategy<Value = [Option<&'static str>; NAMES.len()]> {
    prop_oneof![
        4 => Just([Some(ENTITIES[0]); NAMES.len()]),
        1 => [option::of(select(&ENTITIES[..])), option::of(select(&ENTITIES[..]))],
    ]
}

fn age() -> impl Strategy<Value = Option<u8>> {
    option::of(0..3_u8)
}

fn requests(most: usize) -> impl Strategy<Value = Vec<Request>> {
    vec(request(), 0..=most)
}

fn request() -> impl Strategy<Value = Request> {
    let priority = prop_oneof![3 => Just(0), 1 => -1..3_i32];
    let start = option::weighted(0.15, (worker(), arbitrary::<bool>()));
    let target = option::weighted(0.7, select(&["a", "a", "b"][..]));
    let lane = option::of(select(&["x", "x", "y"][..]));
    let delay = option::weighted(0.2, 0..4_u8);
    let predecessor =
        prop_oneof![9 => (0..4_u8).prop_map(Predecessor::Known), 1 => Just(Predecessor::Missing)];
    let after = prop_oneof![2 => Just(Vec::new()), 1 => vec(predecessor, 1..3)];
    let key = option::weighted(0.2, select(&["k", "l"][..]));
    let limit = option::weighted(0.1, 0..4_u64);
    (select(&NAMES[..]), 0..2_u8, priority, (start, target), lane, delay, after, key, limit).prop_map(
        |(name, payload, priority, (start, target), lane, delay, after, key, limit)| Request {
            name,
            payload,
            priority,
            start,
            target,
            lane,
            delay,
            after,
            key,
            limit,
        },
    )
}

fn fence() -> impl Strategy<Value = Fence> {
    prop_oneof![
        12 => Just(Fence::Held),
        2 => Just(Fence::Lapsed),
        1 => Just(Fence::Outdated),
        1 => Just(Fence::Anytime),
        1 => Just(Fence::AnotherWorker),
        1 => Just(Fence::AnotherAttempt),
    ]
}

fn held_attempt() -> impl Strategy<Value = HeldAttempt> {
    (0..20_u8, fence()).prop_map(|(job, fence)| HeldAttempt { job, fence })
}

fn end() -> impl Strategy<Value = End> {
    let next = prop_oneof![
        3 => Just(Next::Succeed),
        3 => Just(Next::Fail),
        2 => (0..4_u8).prop_map(|seconds| Next::Retry { seconds }),
        1 => (0..4_u8).prop_map(|seconds| Next::PutBack { seconds }),
    ];
    let write = option::weighted(0.3, (select(&["a", "b"][..]), option::weighted(0.2, 0..3_u64)));
    let staged = prop_oneof![2 => Just(Vec::new()), 1 => requests(2)];
    let follows = option::weighted(0.3, 0..4_u8);
    (0..20_u8, fence(), next, write, 0..2_u8, staged, follows).prop_map(
        |(job, fence, next, write, events, requests, follows)| End {
            job,
            fence,
            next,
            write,
            events,
            requests,
            follows,
        },
    )
}
