//! Several mistakes in one struct are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = acount, retry = Retry::none(), idempotency = request)]
struct Withdraw {
    account: String,
    request: String,
}

#[command]
async fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

async fn boundary(runtime: Runtime) {
    let _ = runtime.execute(Withdraw { account: "a-1".to_owned(), request: "r-1".to_owned() }).await;
}

fn main() {}
