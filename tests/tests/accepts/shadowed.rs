//! Names of the standard library that mean something else here.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]
#![allow(dead_code, non_camel_case_types)]

use enact::{ExecutionContext, command, emit, entity, event, event_handler, invariant, strategy, value};

use super::execute;

struct Result;
struct Option;
struct Box;
struct Vec;
struct Arc;
struct Future;
struct Key;
struct Retry;
struct Failure;
trait Send {}
trait Sync {}
trait Sized {}
trait From {}
trait Into {}
trait Default {}
trait Serialize {}
trait Deserialize {}
trait JsonSchema {}
trait Command {}
trait Entity {}
trait Event {}

#[allow(non_snake_case)]
fn Some() {}
#[allow(non_snake_case)]
fn Ok() {}
#[allow(non_snake_case)]
fn Err() {}

/// A number of its own kind.
#[value]
#[derive(Clone)]
pub struct String(u64);

/// A clock.
#[entity]
pub struct Clock {
    id: String,
    hours: u64,
}

/// Wind a clock.
#[command(target = clock, name = "wind_clock")]
pub struct Wind {
    clock: String,
    hours: u64,
}

impl ::core::convert::From<&Wind> for Clock {
    fn from(wind: &Wind) -> Self {
        Self { id: wind.clock.clone(), hours: 0 }
    }
}

/// A clock was wound.
#[event]
pub struct Wound {
    hours: u64,
}

/// How a clock is wound.
#[strategy]
pub trait Winding {
    /// By how much.
    fn hours(&self, asked: u64) -> u64;
}

struct ByHand;

#[strategy(variant)]
impl Winding for ByHand {
    fn hours(&self, asked: u64) -> u64 {
        asked.min(24)
    }
}

#[strategy(policy)]
fn winding(_context: &ExecutionContext) -> ::std::boxed::Box<dyn Winding> {
    ::std::boxed::Box::new(ByHand)
}

/// A clock runs for a day.
#[invariant(when = Wound)]
fn running(clock: &Clock) -> bool {
    clock.hours <= 24
}

#[command(create = if_missing, retry = enact::Retry::none())]
async fn wind(
    wind: Wind,
    clock: &mut Clock,
    winding: ::std::boxed::Box<dyn Winding>,
) -> ::core::result::Result<u64, enact::Failure> {
    clock.hours = winding.hours(wind.hours);
    emit(Wound { hours: clock.hours });
    ::core::result::Result::Ok(clock.hours)
}

#[event_handler]
async fn strike(_wound: Wound) {}

#[tokio::test]
async fn a_name_of_the_prelude_may_mean_something_else() {
    assert_eq!(execute(Wind { clock: String(1), hours: 30 }).await.expect("it is wound"), 24);
}
