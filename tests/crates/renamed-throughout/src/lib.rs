//! Every attribute, in a crate that knows enact as `framework`: one line says so for all items.
#![forbid(unsafe_code)]

// What attributes generate names `::enact`, and this is what that is here.
extern crate framework as enact;

use framework::prelude::*;

/// A bell's name.
#[value]
#[derive(Clone)]
pub struct BellId(pub String);

/// A bell.
#[entity]
pub struct Bell {
    /// Its name.
    pub id: BellId,
    /// How loud it is.
    pub decibels: u32,
}

/// Ring a bell.
#[command(target = bell)]
pub struct Ring {
    /// Which bell.
    pub bell: BellId,
}

/// A bell has rung.
#[event]
pub struct Rang {
    /// How loud it is.
    pub decibels: u32,
}

/// Count what has rung, which another program does.
#[command(remote)]
pub struct CountRings {}

/// How loud bells are.
#[strategy]
pub trait Loudness {
    /// In decibels.
    async fn decibels(&self, bell: &Bell) -> u32;
}

/// Loud enough to wake.
pub struct Loud;

#[strategy(variant)]
impl Loudness for Loud {
    async fn decibels(&self, _bell: &Bell) -> u32 {
        80
    }
}

#[strategy(policy)]
fn loudness(_: &ExecutionContext) -> Box<dyn Loudness> {
    Box::new(Loud)
}

/// A bell deafens nobody.
#[invariant]
fn bearable(bell: &Bell) -> bool {
    bell.decibels < 120
}

impl From<&Ring> for Bell {
    fn from(ring: &Ring) -> Self {
        Self { id: ring.bell.clone(), decibels: 0 }
    }
}

#[command(create = if_missing, retry = Retry::fixed(2, Duration::ZERO))]
async fn ring(_: Ring, bell: &mut Bell, loudness: Box<dyn Loudness>) -> Result<u32, Failure> {
    bell.decibels = loudness.decibels(bell).await;
    emit(Rang { decibels: bell.decibels });
    Ok(bell.decibels)
}

#[event_handler]
async fn count(_: Rang) {
    publish(CountRings {});
}
