//! r27: a handler that binds an entity returns `()` or a `Result`.
//!
//! Reported again where the command is executed, because the unknown output is the type of that expression.
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
