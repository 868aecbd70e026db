//! r27: a handler that binds an entity returns `()` or a `Result`, too.
//!
//! Where the command is executed it is said again: an output that is unknown is the type of an expression there.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Find {
    account: String,
}

#[command]
async fn find(_find: Find, account: &mut Account) -> Option<String> {
    Some(account.id.clone())
}

async fn boundary(runtime: Runtime) {
    let _ = runtime.execute(Find { account: "a-1".to_owned() }).await;
}

fn main() {}
