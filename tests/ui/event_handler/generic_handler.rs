//! The runtime calls the handler and cannot choose type parameters.
use enact::prelude::*;

#[event]
struct Started {}

#[event_handler]
async fn started<T: Send>(_event: Started, _clock: Arc<T>) {}

fn main() {}
