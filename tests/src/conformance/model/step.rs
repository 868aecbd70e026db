//! The calls that are made at random. Few names, lanes, keys and entities, so that they meet often; which job a step
//! means, it says by a number, of which what is on record is the modulus.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any as arbitrary, prop_oneof};
use proptest::sample::select;

pub(super) const NAMES: [&str; 2] = ["ship", "bill"];
pub(super) const WORKERS: [&str; 2] = ["w", "v"];

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Time passes, or somebody sets the clock back.
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
    /// Each name is in the queue of this number, or in none.
    Claim {
        worker: &'static str,
        queues: [Option<usize>; NAMES.len()],
        room: [usize; 2],
    },
    Renew {
        worker: &'static str,
    },
    /// A worker is taken off, perhaps by somebody who has not seen its last renewal.
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
    /// Of each state, those that ended so many seconds ago.
    Prune {
        ages: [Option<u8>; 3],
        limit: usize,
        goes_on: bool,
    },
    PruneEvents {
        age: u8,
        limit: usize,
    },
    Reopen,
}

/// A job to be put on record.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: &'static str,
    pub(super) payload: u8,
    pub(super) priority: i32,
    pub(super) start: Option<&'static str>,
    pub(super) lane: Option<&'static str>,
    pub(super) delay: Option<u8>,
    pub(super) after: Vec<Predecessor>,
    pub(super) key: Option<&'static str>,
    pub(super) limit: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Predecessor {
    /// One that is on record, or stands before it in the same call: counted from the last.
    Known(u8),
    /// One that there is not.
    Missing,
}

/// An attempt to be ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) job: u8,
    pub(super) fence: Fence,
    pub(super) next: Next,
    /// The entity to write, and the version to expect if it is not the one on record.
    pub(super) write: Option<(&'static str, Option<u64>)>,
    pub(super) events: u8,
    pub(super) requests: Vec<Request>,
}

/// Who ends it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fence {
    /// The worker that runs it.
    Held,
    /// Somebody in that worker's stead.
    Lapsed,
    /// Somebody who has not seen the worker's last renewal.
    Outdated,
    /// The worker that ran it last, whatever became of it.
    Anytime,
    AnotherWorker,
    AnotherAttempt,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Succeed,
    Fail,
    Retry { seconds: u8 },
}

pub(super) fn any() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => requests(3).prop_map(|requests| Step::Submit { events: 0, requests }),
        2 => (1..3_u8, requests(2)).prop_map(|(events, requests)| Step::Submit { events, requests }),
        1 => (select(&["s", "t"][..]), arbitrary::<bool>(), requests(1))
            .prop_map(|(schedule, knows_the_last, requests)| Step::Tick { schedule, knows_the_last, requests }),
        8 => (worker(), queues(), [0..4_usize, 0..3_usize])
            .prop_map(|(worker, queues, room)| Step::Claim { worker, queues, room }),
        12 => end().prop_map(Step::Commit),
        3 => vec(0..20_u8, 1..3).prop_map(|jobs| Step::Cancel { jobs }),
        3 => vec(0..20_u8, 1..3).prop_map(|jobs| Step::Retry { jobs }),
        4 => prop_oneof![4 => 1..4_i8, 1 => -3..0_i8].prop_map(|seconds| Step::Wait { seconds }),
        2 => ([age(), age(), age()], 1..6_usize, arbitrary::<bool>())
            .prop_map(|(ages, limit, goes_on)| Step::Prune { ages, limit, goes_on }),
        1 => (0..3_u8, 0..3_usize).prop_map(|(age, limit)| Step::PruneEvents { age, limit }),
        1 => worker().prop_map(|worker| Step::Renew { worker }),
        1 => (worker(), arbitrary::<bool>())
            .prop_map(|(worker, is_outdated)| Step::Retire { worker, is_outdated }),
        1 => (worker(), 0..4_usize).prop_map(|(worker, limit)| Step::Running { worker, limit }),
        // Dear where it means that a file is closed and opened.
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

fn age() -> impl Strategy<Value = Option<u8>> {
    option::of(0..3_u8)
}

fn requests(most: usize) -> impl Strategy<Value = Vec<Request>> {
    vec(request(), 0..=most)
}

fn request() -> impl Strategy<Value = Request> {
    let priority = prop_oneof![3 => Just(0), 1 => -1..3_i32];
    let start = option::weighted(0.1, worker());
    let lane = option::of(select(&["x", "x", "y"][..]));
    let delay = option::weighted(0.2, 0..4_u8);
    let predecessor =
        prop_oneof![9 => (0..4_u8).prop_map(Predecessor::Known), 1 => Just(Predecessor::Missing)];
    let after = prop_oneof![2 => Just(Vec::new()), 1 => vec(predecessor, 1..3)];
    let key = option::weighted(0.2, select(&["k", "l"][..]));
    let limit = option::weighted(0.1, 0..4_u64);
    (select(&NAMES[..]), 0..2_u8, priority, start, lane, delay, after, key, limit).prop_map(
        |(name, payload, priority, start, lane, delay, after, key, limit)| Request {
            name,
            payload,
            priority,
            start,
            lane,
            delay,
            after,
            key,
            limit,
        },
    )
}

fn end() -> impl Strategy<Value = End> {
    let fence = prop_oneof![
        12 => Just(Fence::Held),
        2 => Just(Fence::Lapsed),
        1 => Just(Fence::Outdated),
        1 => Just(Fence::Anytime),
        1 => Just(Fence::AnotherWorker),
        1 => Just(Fence::AnotherAttempt),
    ];
    let next = prop_oneof![
        3 => Just(Next::Succeed),
        3 => Just(Next::Fail),
        2 => (0..4_u8).prop_map(|seconds| Next::Retry { seconds }),
    ];
    let write = option::weighted(0.3, (select(&["a", "b"][..]), option::weighted(0.2, 0..3_u64)));
    let staged = prop_oneof![2 => Just(Vec::new()), 1 => requests(2)];
    (0..20_u8, fence, next, write, 0..2_u8, staged).prop_map(|(job, fence, next, write, events, requests)| {
        End { job, fence, next, write, events, requests }
    })
}
