//! Which attempts run beside others. A job that one more loss would end runs alone in its process, so that no other job can be
//! the cause of that loss ([r22](crate::rules#r22)).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::model::clock::Clock;

/// After this time an attempt is not alone any more: a job that runs for hours would stop all others.
const ALONE_FOR: Duration = Duration::from_secs(10);

/// The attempts that run in this process, first in, first out: an attempt that is to be alone waits for those that run, and later
/// ones wait for it.
#[derive(Default)]
pub(crate) struct Company(Arc<RwLock<()>>);

/// Keeps a place among the running attempts.
pub(super) enum Place {
    Beside(OwnedRwLockReadGuard<()>),
    Alone(OwnedRwLockWriteGuard<()>),
}

impl Company {
    /// A place that is free now.
    pub(super) fn try_join(&self, is_alone: bool) -> Option<Place> {
        let places = self.0.clone();
        if is_alone {
            places.try_write_owned().map(Place::Alone).ok()
        } else {
            places.try_read_owned().map(Place::Beside).ok()
        }
    }

    /// Waits for a place.
    pub(super) async fn join(&self, is_alone: bool) -> Place {
        let places = self.0.clone();
        if is_alone {
            Place::Alone(places.write_owned().await)
        } else {
            Place::Beside(places.read_owned().await)
        }
    }
}

/// Keeps a place while this exists. An attempt that is alone lets others in after a while, unless its handler holds its thread.
pub(super) async fn keep(place: Option<Place>, clock: &dyn Clock) -> Infallible {
    let _beside = match place {
        None => None,
        Some(Place::Beside(beside)) => Some(beside),
        Some(Place::Alone(alone)) => {
            clock.sleep_until(clock.elapsed().saturating_add(ALONE_FOR)).await;
            Some(alone.downgrade())
        }
    };
    std::future::pending().await
}
