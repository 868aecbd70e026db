use enact::prelude::*;

use super::{Account, AccountId};

/// Open an account for somebody.
#[command(target = account)]
#[derive(Clone, Debug)]
pub struct OpenAccount {
    /// The number that it is to have.
    pub account: AccountId,
    /// Whom it belongs to.
    #[schemars(length(min = 1, max = 200))]
    pub holder: String,
}

/// An account has been opened.
#[event]
#[derive(Clone, Debug)]
pub struct AccountOpened {
    /// Which one.
    pub account: AccountId,
    /// For whom.
    pub holder: String,
}

impl From<&OpenAccount> for Account {
    fn from(opening: &OpenAccount) -> Self {
        Self { id: opening.account.clone(), holder: Some(opening.holder.clone()), balance_cents: 0 }
    }
}

#[command(create = always, retry = Retry::exponential(5, Duration::from_millis(100)))]
async fn open_account(opening: OpenAccount, _account: &mut Account) {
    emit(AccountOpened { account: opening.account, holder: opening.holder });
}
