//! How the parts of a domain are registered with a program.

mod part;
mod registration;

pub(crate) use part::{
    AnyCreation, Body, BoundBody, CommandHandlerPart, CommandPart, EventHandlerPart, EventPart, HandlerPart,
    InvariantPart, Part, PolicyPart, SchedulePart, StrategyPart, VariantPart,
};
pub use registration::Registration;
