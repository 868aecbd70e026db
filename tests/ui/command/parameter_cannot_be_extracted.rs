//! r33: every further parameter can be extracted from the context.
use enact::prelude::*;

struct Mailer;

#[command]
struct Remind {
    holder: String,
}

#[command]
async fn remind(_reminder: Remind, _mailer: Mailer) {}

fn main() {}
