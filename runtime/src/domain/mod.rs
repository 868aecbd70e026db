//! The data of a domain: commands, events, entities, schedules.

mod applied;
mod command;
#[cfg(feature = "cron")]
mod cron;
mod entity;
mod erased;
mod event;
mod output;
mod refused;
mod round_trip;
mod schedule;
mod tick;
mod timetable;
mod walk;

pub(crate) use applied::{Applied, UNIONS, fitting, list, pointer_of, target};
pub use command::{Command, HasOneHandler, Targeted, Untargeted};
pub use entity::{CreatedFrom, Creation, Entity, SameIdentity, TargetOf};
pub(crate) use erased::{
    AnyCommand, EntityPart, KeyFields, Keys, Parse, cast, cast_mut, cast_ref, keys, parse, parse_as,
};
pub use event::Event;
pub use output::Output;
pub(crate) use refused::{Refused, parse_text, without_position};
pub(crate) use round_trip::{NotStorable, Written, readable_json, rewritten};
pub(crate) use schedule::LONGEST_SILENCE;
pub(crate) use schedule::{MakeCommand, Times};
pub use schedule::{Missed, Overlap, Schedule, ScheduleSettings};
pub use tick::{Recurring, Tick};
pub(crate) use timetable::Timetable;
pub(crate) use walk::MAX_DEPTH;
