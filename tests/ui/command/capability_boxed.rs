//! r33: a capability is shared, so it is taken as an `Arc`.
use enact::prelude::*;

trait Mailer: Send + Sync {}

#[command]
struct Remind {}

#[command]
async fn remind(_reminder: Remind, _mailer: Box<dyn Mailer>) {}

fn main() {}
