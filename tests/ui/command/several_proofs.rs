//! Three mistakes that only the compiler finds, in one handler, are three errors in one compile.
use enact::prelude::*;

struct Mailer;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Open {
    account: String,
}

#[command(create = always, retry = 5)]
async fn open(_open: Open, _account: &mut Account, _mailer: Mailer) {}

fn main() {}
