use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::id::{EventId, WorkerId};
use super::redacted::Summary;
use super::step::Step;
use super::unreadable::Unreadable;

/// The record of one attempt to run a job ([r21](crate::rules#r21)). `Debug` shows of a failure the kind and the code.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The worker that ran it.
    pub worker: WorkerId,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// The last step it reached; `None` while it runs, and if its worker was lost.
    pub reached: Option<Step>,
    /// The version of the entity it read; `None` if it bound no entity or found none.
    pub version_read: Option<u64>,
    /// The version of the entity it wrote.
    pub version_written: Option<u64>,
    /// The strategies it used, and the variants their policies chose, in order.
    pub strategies: Vec<StrategyChoice>,
    /// The events it emitted, in order. Empty for a failed attempt, whose events are dropped.
    pub events: Vec<EventId>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How many effects tasks of the handler staged after it had returned ([r31](crate::rules#r31)). They are lost.
    pub late_effects: u32,
    /// The parts of the stored attempt that cannot be read; empty unless the store is damaged. Their fields hold
    /// placeholders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<Unreadable>,
}

impl Attempt {
    /// A running attempt. The remaining fields are `None` or empty.
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
            late_effects: 0,
            unreadable: Vec::new(),
        }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            worker,
            started_at,
            ended_at,
            reached,
            version_read,
            version_written,
            strategies,
            events,
            failure,
            late_effects,
            unreadable,
        } = self;
        f.debug_struct("Attempt")
            .field("number", number)
            .field("worker", worker)
            .field("started_at", started_at)
            .field("ended_at", ended_at)
            .field("reached", reached)
            .field("version_read", version_read)
            .field("version_written", version_written)
            .field("strategies", strategies)
            .field("events", events)
            .field("failure", &failure.as_ref().map(Summary))
            .field("late_effects", late_effects)
            .field("unreadable", unreadable)
            .finish()
    }
}

/// The variant of a strategy that its policy chose ([r40](crate::rules#r40)).
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
