//! Every attribute, in a crate that knows enact as `framework`: each item says so.
#![forbid(unsafe_code)]

use framework::prelude::*;

/// A lamp's name.
#[value]
#[enact(crate = "::framework")]
#[derive(Clone)]
pub struct LampId(pub String);

/// A lamp.
#[entity]
#[enact(crate = "::framework")]
pub struct Lamp {
    /// Its name.
    pub id: LampId,
    /// How bright it is.
    pub watts: u32,
}

/// Turn a lamp on.
#[command(target = lamp)]
#[enact(crate = "::framework")]
pub struct TurnOn {
    /// Which lamp.
    pub lamp: LampId,
}

/// A lamp is on.
#[event]
#[enact(crate = "::framework")]
pub struct TurnedOn {
    /// How bright it is.
    pub watts: u32,
}

/// Read the meter, which another program does.
#[command(remote)]
#[enact(crate = "::framework")]
pub struct ReadMeter {}

/// How bright lamps are.
#[strategy]
#[enact(crate = "::framework")]
pub trait Brightness {
    /// In watts.
    async fn watts(&self, lamp: &Lamp) -> u32;
}

/// Bright enough to read.
pub struct Reading;

#[strategy(variant)]
#[enact(crate = "::framework")]
impl Brightness for Reading {
    async fn watts(&self, _lamp: &Lamp) -> u32 {
        60
    }
}

#[strategy(policy)]
#[enact(crate = "::framework")]
fn brightness(_: &ExecutionContext) -> Box<dyn Brightness> {
    Box::new(Reading)
}

/// A lamp does not melt.
#[invariant]
#[enact(crate = "::framework")]
fn solid(lamp: &Lamp) -> bool {
    lamp.watts < 1000
}

impl From<&TurnOn> for Lamp {
    fn from(on: &TurnOn) -> Self {
        Self { id: on.lamp.clone(), watts: 0 }
    }
}

#[command(create = if_missing, retry = Retry::fixed(2, Duration::ZERO))]
#[enact(crate = "::framework")]
async fn turn_on(_: TurnOn, lamp: &mut Lamp, brightness: Box<dyn Brightness>) -> Result<u32, Failure> {
    lamp.watts = brightness.watts(lamp).await;
    emit(TurnedOn { watts: lamp.watts });
    Ok(lamp.watts)
}

#[event_handler]
#[enact(crate = "::framework")]
async fn note(_: TurnedOn) {
    publish(ReadMeter {});
}
