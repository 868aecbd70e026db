//! The expansion of each attribute on a small item, in `macros/snapshots/*.rs`.
//!
//! To update them after a change of an expansion: `UPDATE_EXPECT=1 cargo test -p enact-macros snapshots`, and read the diff.

use expect_test::{ExpectFile, expect_file};
use proc_macro2::TokenStream;
use quote::quote;

use crate::{command, entity, event, event_handler, failure, invariant, strategy, value};

/// Compares the formatted expansion of `#[attribute(args)] item` with its file.
fn check(
    attribute: fn(TokenStream, TokenStream) -> TokenStream,
    args: TokenStream,
    item: TokenStream,
    expected: &ExpectFile,
) {
    let expansion = syn::parse2(attribute(args, item)).expect("an expansion is a list of items");
    expected.assert_eq(&prettyplease::unparse(&expansion));
}

#[test]
fn a_command() {
    let args = quote!(target = account, idempotency_key = request, order_by = account, alias = "Debit");
    let item = quote! {
        /// Take money out of an account.
        pub struct Withdraw {
            pub account: AccountId,
            /// How much, in cents.
            #[schemars(range(min = 1))]
            pub cents: i64,
            pub request: Option<String>,
        }
    };
    check(command::expand, args, item, &expect_file!["../snapshots/command.rs"]);
}

#[test]
fn a_command_of_another_program() {
    let item = quote! {
        struct Ship {
            order: String,
        }
    };
    check(
        command::expand,
        quote!(remote, output = Parcel),
        item,
        &expect_file!["../snapshots/remote_command.rs"],
    );
}

#[test]
fn the_handler_of_a_command_that_binds_an_entity() {
    let args = quote!(create = if_missing, retry = Retry::fixed(3, SECOND));
    let item = quote! {
        /// Takes it out.
        async fn withdraw(
            withdrawal: Withdraw,
            account: &mut Account,
            fraud: Box<dyn FraudAssessment>,
        ) -> Result<Receipt, WithdrawError> {
            emit(MoneyWithdrawn { cents: withdrawal.cents });
            Ok(Receipt {})
        }
    };
    check(command::expand, args, item, &expect_file!["../snapshots/entity_handler.rs"]);
}

#[test]
fn the_handler_of_a_command_that_binds_nothing() {
    let item = quote! {
        async fn report(_: Report) {}
    };
    check(command::expand, quote!(), item, &expect_file!["../snapshots/command_handler.rs"]);
}

#[test]
fn the_stateless_handler_of_a_command() {
    let item = quote! {
        async fn look(_: Look) -> Result<u32, Failure> {
            Ok(1)
        }
    };
    check(command::expand, quote!(stateless), item, &expect_file!["../snapshots/stateless_handler.rs"]);
}

#[test]
fn the_handler_of_a_command_that_recurs() {
    let item = quote! {
        async fn clean(_: Clean) {}
    };
    let args = quote!(every = HOUR, missed = Missed::Skip, queue = "chores");
    check(command::expand, args, item, &expect_file!["../snapshots/recurring_handler.rs"]);
}

#[test]
fn the_handler_of_a_command_that_recurs_by_a_cron_pattern_and_binds_an_entity() {
    let item = quote! {
        async fn close(_: Close, books: &mut Books) {}
    };
    let args = quote!(cron = "0 3 * * *");
    check(command::expand, args, item, &expect_file!["../snapshots/cron_handler.rs"]);
}

#[test]
fn an_event() {
    let item = quote! {
        /// Money has left an account.
        pub struct MoneyWithdrawn {
            pub cents: i64,
        }
    };
    check(event::expand, quote!(), item, &expect_file!["../snapshots/event.rs"]);
}

#[test]
fn the_handler_of_an_event() {
    let item = quote! {
        async fn notify(event: MoneyWithdrawn, mailer: Arc<dyn Mailer>) -> Result<(), MailError> {
            mailer.send(&event).await
        }
    };
    let args = quote!(name = "mail", queue = "mail");
    check(event_handler::expand, args, item, &expect_file!["../snapshots/event_handler.rs"]);
}

#[test]
fn an_entity() {
    let item = quote! {
        /// A bank account.
        #[derive(Clone, Debug)]
        pub struct Account {
            pub number: AccountId,
            pub balance_cents: i64,
        }
    };
    check(entity::expand, quote!(id = number), item, &expect_file!["../snapshots/entity.rs"]);
}

#[test]
fn a_value() {
    let item = quote! {
        /// What counts.
        #[derive(Clone, Copy)]
        pub enum Currency {
            Euro,
            Krone,
        }
    };
    check(value::expand, quote!(), item, &expect_file!["../snapshots/value.rs"]);
}

#[test]
fn an_invariant() {
    let item = quote! {
        /// An account is never overdrawn.
        fn not_overdrawn(account: &Account) -> bool {
            account.balance_cents >= 0
        }
    };
    check(invariant::expand, quote!(), item, &expect_file!["../snapshots/invariant.rs"]);
}

#[test]
fn an_invariant_of_a_command() {
    let item = quote! {
        /// The account holds what is taken out.
        fn covered(account: &Account, withdrawal: &Withdraw) -> Result<(), String> {
            account.covers(withdrawal.cents)
        }
    };
    let args = quote!(when = Withdraw, code = "not_covered");
    check(invariant::expand, args, item, &expect_file!["../snapshots/scoped_invariant.rs"]);
}

#[test]
fn a_strategy() {
    let item = quote! {
        /// How suspicious a withdrawal is.
        pub trait FraudAssessment {
            /// Judges it.
            async fn assess(&self, withdrawal: &Withdraw) -> Verdict;
        }
    };
    check(strategy::expand, quote!(), item, &expect_file!["../snapshots/strategy.rs"]);
}

#[test]
fn a_variant() {
    let item = quote! {
        impl FraudAssessment for AmountLimit {
            async fn assess(&self, withdrawal: &Withdraw) -> Verdict {
                Verdict::of(withdrawal.cents <= self.cents)
            }
        }
    };
    check(strategy::expand, quote!(variant), item, &expect_file!["../snapshots/variant.rs"]);
}

#[test]
fn a_policy() {
    let item = quote! {
        fn fraud_policy(context: &ExecutionContext, limits: Arc<Limits>) -> Box<dyn FraudAssessment> {
            limits.of(context.tenant())
        }
    };
    check(strategy::expand, quote!(policy), item, &expect_file!["../snapshots/policy.rs"]);
}

#[test]
fn a_classified_error() {
    let item = quote! {
        enum WithdrawError {
            #[failure(permanent)]
            Suspicious,
            #[failure(code = "vendor_down")]
            Unreachable(io::Error),
            #[failure(transparent)]
            Vendor(VendorError),
        }
    };
    let derive = |_, item| failure::expand(item);
    check(derive, TokenStream::new(), item, &expect_file!["../snapshots/failure.rs"]);
}
