//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
}

#[command(target = account)]
struct Withdraw {
    account: String,
}

#[command(creat = always, name = "withdraw_money")]
fn withdraw(_withdrawal: Withdraw, _account: &mut Account) {}

async fn boundary(runtime: Runtime) {
    let _ = runtime.execute(Withdraw { account: "a-1".to_owned() }).await;
}

fn main() {}
