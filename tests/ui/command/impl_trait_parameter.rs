//! `impl Trait` is a type parameter, which the runtime cannot choose.
use enact::prelude::*;

trait Mailer: Send + Sync {}

#[command]
struct Remind {}

#[command]
async fn remind(_reminder: Remind, _mailer: Arc<impl Mailer>) {}

fn main() {}
