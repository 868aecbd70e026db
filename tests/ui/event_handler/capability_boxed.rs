//! r33: a capability is shared, so it is taken as an `Arc`.
use enact::prelude::*;

trait Mailer: Send + Sync {}

#[event]
struct Started {}

#[event_handler]
async fn started(_event: Started, _mailer: Box<dyn Mailer>) {}

fn main() {}
