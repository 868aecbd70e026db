//! How the parts of a domain make themselves known.

mod part;
mod registration;

pub(crate) use part::{
    AnyCreation, Body, BoundBody, CommandHandlerPart, CommandPart, EventHandlerPart, EventPart,
    InvariantPart, Part, PolicyPart, SchedulePart, StrategyPart, VariantPart,
};
pub use registration::Registration;
