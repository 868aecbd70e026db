//! r33: a capability is taken as an `Arc`.
use enact::prelude::*;

trait Mailer: Send + Sync {}

#[command]
struct Remind {}

#[command]
async fn remind(_reminder: Remind, _mailer: &dyn Mailer) {}

fn main() {}
