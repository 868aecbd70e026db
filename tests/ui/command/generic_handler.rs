//! The runtime calls the handler and cannot choose type parameters.
use enact::prelude::*;

#[command]
struct Ping {}

#[command]
async fn ping<T: Send>(_ping: Ping, _clock: Arc<T>) {}

fn main() {}
