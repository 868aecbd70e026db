//! The whole domain as data: what is linked into a program, and how it fits together (r51).

mod check;
mod describe;
mod input;
mod mermaid;
mod parts;
mod plans;
mod pointer;
mod problem;
mod text;
#[expect(clippy::module_inception, reason = "a file has the name of the type that it holds")]
mod wiring;

pub(crate) use parts::Parts;
pub(crate) use plans::{Action, CommandPlan, EventPlan, HandlingPlan, JobPlan, Plans, SchedulePlan};
pub use problem::Problem;
pub use wiring::{
    BindingWiring, CommandWiring, CreationPolicy, EntityWiring, EventHandlerWiring, EventWiring,
    HandlerWiring, InvariantWiring, ScheduleWiring, ScopeWiring, StrategyWiring, VariantWiring, Wiring,
};
