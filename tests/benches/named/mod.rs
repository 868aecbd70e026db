//! A hundred commands that do the same, each with a name of its own.

use enact::prelude::*;
use enact::{Execute, Publish};

use crate::domain::{Account, MoneyDeposited};

macro_rules! commands {
    ($($name:ident)*) => {
        $(
            /// Put money into an account.
            #[command(target = account)]
            struct $name {
                account: String,
                #[schemars(range(min = 1, max = 100_000_000))]
                cents: i64,
            }

            impl From<&$name> for Account {
                fn from(deposit: &$name) -> Self {
                    Self { id: deposit.account.clone(), balance_cents: 0, note: String::new() }
                }
            }

            #[allow(non_snake_case, reason = "a macro cannot write a name in lower case")]
            #[command(create = if_missing, retry = Retry::exponential(5, Duration::from_millis(100)))]
            async fn $name(deposit: $name, account: &mut Account) {
                account.balance_cents += deposit.cents;
                emit(MoneyDeposited { account: account.id.clone(), cents: deposit.cents });
            }
        )*

        const EXECUTE: &[fn(&Runtime, String) -> Execute<()>] =
            &[$(|bank, account| bank.execute($name { account, cents: 5 })),*];

        const PUBLISH: &[fn(&Runtime, String) -> Publish<()>] =
            &[$(|bank, account| bank.publish($name { account, cents: 5 })),*];
    };
}

commands! {
    D00 D01 D02 D03 D04 D05 D06 D07 D08 D09 D10 D11 D12 D13 D14 D15 D16 D17 D18 D19
    D20 D21 D22 D23 D24 D25 D26 D27 D28 D29 D30 D31 D32 D33 D34 D35 D36 D37 D38 D39
    D40 D41 D42 D43 D44 D45 D46 D47 D48 D49 D50 D51 D52 D53 D54 D55 D56 D57 D58 D59
    D60 D61 D62 D63 D64 D65 D66 D67 D68 D69 D70 D71 D72 D73 D74 D75 D76 D77 D78 D79
    D80 D81 D82 D83 D84 D85 D86 D87 D88 D89 D90 D91 D92 D93 D94 D95 D96 D97 D98 D99
}

/// How many commands there are.
pub(crate) const COUNT: usize = EXECUTE.len();

pub(crate) fn execute(bank: &Runtime, command: usize, account: String) -> Execute<()> {
    EXECUTE[command](bank, account)
}

pub(crate) fn publish(bank: &Runtime, command: usize, account: String) -> Publish<()> {
    PUBLISH[command](bank, account)
}
