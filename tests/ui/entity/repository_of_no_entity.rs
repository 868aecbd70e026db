//! r33: a repository is of an entity.
use enact::prelude::*;

struct Account {
    id: String,
}

#[command]
struct Report {}

#[command]
async fn report(_report: Report, _accounts: Repository<Account>) {}

fn main() {}
