use enact::prelude::*;

use super::{Account, AccountId};

/// Open an account.
#[command(target = account)]
#[derive(Clone, Debug)]
pub struct OpenAccount {
    /// The number of the new account.
    pub account: AccountId,
    /// The holder's name.
    #[schemars(length(min = 1, max = 200))]
    pub holder: String,
}

/// An account was opened.
#[event]
#[derive(Clone, Debug)]
pub struct AccountOpened {
    /// The account that was opened.
    pub account: AccountId,
    /// The holder's name.
    pub holder: String,
}

impl From<&OpenAccount> for Account {
    fn from(open: &OpenAccount) -> Self {
        Self { id: open.account.clone(), holder: Some(open.holder.clone()), balance_cents: 0 }
    }
}

#[command(create = always, retry = Retry::exponential(5, Duration::from_millis(100)))]
async fn open_account(open: OpenAccount, _account: &mut Account) {
    emit(AccountOpened { account: open.account, holder: open.holder });
}
