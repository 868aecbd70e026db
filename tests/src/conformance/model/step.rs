//! The calls that are made at random. Few names, lanes, keys and entities, so that they meet often.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any as arbitrary, prop_oneof};
use proptest::sample::{Index, select, subsequence};

const NAMES: [&str; 2] = ["ship", "bill"];
const WORKERS: [&str; 2] = ["w", "v"];

#[derive(Clone, Debug)]
pub(super) enum Step {
    Wait { seconds: u8 },
    Submit { events: u8, requests: Vec<Request> },
    Claim { worker: &'static str, names: Vec<&'static str>, limit: usize },
    Renew { worker: &'static str, seconds: u8 },
    Lapsed { limit: usize },
    Commit(End),
}

/// A job to be put on record.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: &'static str,
    pub(super) payload: u8,
    pub(super) lane: Option<&'static str>,
    pub(super) key: Option<&'static str>,
    pub(super) start: Option<&'static str>,
}

/// An attempt to be ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) job: Index,
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
    let names = subsequence(NAMES.to_vec(), 1..=NAMES.len());
    prop_oneof![
        2 => (1..4_u8).prop_map(|seconds| Step::Wait { seconds }),
        4 => (0..2_u8, vec(request(), 0..4))
            .prop_map(|(events, requests)| Step::Submit { events, requests }),
        4 => (select(&WORKERS[..]), names, 0..4_usize)
            .prop_map(|(worker, names, limit)| Step::Claim { worker, names, limit }),
        1 => (select(&WORKERS[..]), 0..5_u8).prop_map(|(worker, seconds)| Step::Renew { worker, seconds }),
        1 => (0..4_usize).prop_map(|limit| Step::Lapsed { limit }),
        6 => end().prop_map(Step::Commit),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let lane = option::of(select(&["x", "y"][..]));
    let key = option::weighted(0.3, select(&["k", "l", "m"][..]));
    let start = option::weighted(0.2, select(&WORKERS[..]));
    (select(&NAMES[..]), 0..2_u8, lane, key, start).prop_map(|(name, payload, lane, key, start)| Request {
        name,
        payload,
        lane,
        key,
        start,
    })
}

fn end() -> impl Strategy<Value = End> {
    let fence = prop_oneof![
        8 => Just(Fence::Held),
        2 => Just(Fence::Lapsed),
        1 => Just(Fence::Anytime),
        1 => Just(Fence::AnotherWorker),
        1 => Just(Fence::AnotherAttempt),
    ];
    let next = prop_oneof![
        3 => Just(Next::Succeed),
        1 => Just(Next::Fail),
        2 => (1..5_u8).prop_map(|seconds| Next::Retry { seconds }),
    ];
    let write = option::of((select(&["a", "b"][..]), option::weighted(0.2, 0..3_u64)));
    let requests = vec(request(), 0..3);
    (arbitrary::<Index>(), fence, next, write, 0..3_u8, requests).prop_map(
        |(job, fence, next, write, events, requests)| End { job, fence, next, write, events, requests },
    )
}
