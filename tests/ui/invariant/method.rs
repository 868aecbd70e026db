//! r16: an invariant is a free function, because the runtime has no `self` to call it on.
use enact::prelude::*;

#[entity]
struct Account {
    id: String,
    balance: i64,
}

impl Account {
    /// An account is never overdrawn.
    #[invariant]
    fn not_overdrawn(&self) -> bool {
        self.balance >= 0
    }
}

fn main() {}
