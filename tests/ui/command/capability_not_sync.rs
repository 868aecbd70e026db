//! r33: a capability is shared between threads.
use enact::prelude::*;

trait Mailer {}

#[command]
struct Remind {}

#[command]
async fn remind(_reminder: Remind, _mailer: Arc<dyn Mailer>) {}

fn main() {}
