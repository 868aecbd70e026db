//! The data of a domain: commands, events, entities, schedules.

mod command;
mod entity;
mod erased;
mod event;
mod output;
mod schedule;
mod tick;
mod timetable;

pub use command::{Command, HasOneHandler, Targeted, Untargeted};
pub use entity::{CreatedFrom, Creation, Entity, SameIdentity, TargetOf};
pub(crate) use erased::{
    AnyCommand, AnyValue, EntityPart, KeyFields, Keys, Parse, cast, cast_mut, cast_ref, keys, parse, parse_as,
};
pub use event::Event;
pub use output::Output;
pub(crate) use schedule::{MakeCommand, Times};
pub use schedule::{Missed, Schedule, ScheduleSettings};
pub use tick::{Recurring, Tick};
pub(crate) use timetable::Timetable;
