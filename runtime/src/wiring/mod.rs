//! The wiring of a program: its registered parts, checked, described and resolved ([r51](crate::rules#r51)).

mod aliases;
mod check;
mod closing;
mod comparison;
mod constraints;
mod describe;
mod description;
mod formats;
mod input_schema;
mod mermaid;
mod parts;
mod plans;
mod pointer;
mod problem;
mod refusals;
mod resolve;
mod tree;
mod violations;
mod written_fields;

pub use description::{
    BindingWiring, CommandWiring, CreationPolicy, EntityWiring, EventHandlerWiring, EventWiring,
    HandlerWiring, InvariantWiring, ScheduleWiring, ScopeWiring, StrategyWiring, VariantWiring, Wiring,
};
pub(crate) use parts::Parts;
pub(crate) use plans::{Action, CommandPlan, EventPlan, HandlingPlan, JobPlan, Plans, SchedulePlan};
pub use problem::Problem;
