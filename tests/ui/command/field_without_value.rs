//! The type of a command's field is a `#[value]`.
//!
//! Two errors: the bounds on serde's derives fail once, where the command is declared. schemars' derive takes no bounds and
//! reports the type itself.
use enact::prelude::*;

struct AccountId(String);

#[command]
struct Withdraw {
    account: AccountId,
}

fn main() {}
