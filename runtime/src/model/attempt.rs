//! The record of one attempt to run a job.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::id::{EventId, WorkerId};
use super::step::Step;

/// One try to run a job (r21). A retry adds one and keeps those before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// Who ran it.
    pub worker: WorkerId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// The step of the lifecycle that it reached; `None` while it runs, and if its worker died.
    pub reached: Option<Step>,
    /// The version of the entity that it read; `None` if it bound none or found none.
    pub version_read: Option<u64>,
    /// The version of the entity that it wrote.
    pub version_written: Option<u64>,
    /// The strategies that were drawn, and the variants that their policies chose, in order (r40).
    pub strategies: Vec<StrategyChoice>,
    /// The events that it emitted, in order. Those of a failed attempt are dropped and not listed.
    pub events: Vec<EventId>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

impl Attempt {
    /// An attempt that has just begun.
    pub fn begun(number: u32, worker: WorkerId, started_at: Timestamp) -> Self {
        Self {
            number,
            worker,
            started_at,
            ended_at: None,
            reached: None,
            version_read: None,
            version_written: None,
            strategies: Vec::new(),
            events: Vec::new(),
            failure: None,
        }
    }
}

/// Which variant of a strategy a policy has chosen (r40).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StrategyChoice {
    /// The name of the strategy.
    pub strategy: Cow<'static, str>,
    /// The name of the variant.
    pub variant: Cow<'static, str>,
}

impl StrategyChoice {
    /// The choice of `variant` for `strategy`, both by their stored names.
    pub fn new(strategy: impl Into<Cow<'static, str>>, variant: impl Into<Cow<'static, str>>) -> Self {
        Self { strategy: strategy.into(), variant: variant.into() }
    }
}
