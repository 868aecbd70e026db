//! Tests of a domain on the production lifecycle, without waiting for a clock (r60 to r62).
//!
//! A [`TestRuntime`] is a [`Runtime`](crate::Runtime) that does nothing by itself: jobs run when the test says so, and time
//! passes when the test says so. What runs is the code of production, with its record of jobs, its validation, its
//! invariants and its commits; there is no second engine, and no way around the job (r01). A test says what is
//! [given](TestRuntime::given), what [happens](TestRuntime::when), and then what it has come to ([`Outcome`]):
//!
//! ```standalone_crate
//! # use enact::prelude::*;
//! use enact::testing::TestRuntime;
//!
//! # #[entity]
//! # pub struct Account { pub id: String, pub balance_cents: i64 }
//! # #[command(target = account)]
//! # pub struct Withdraw { pub account: String, pub cents: i64 }
//! # #[event]
//! # pub struct MoneyWithdrawn { pub account: String, pub cents: i64 }
//! # /// The account holds at least what is taken out.
//! # #[invariant(when = Withdraw)]
//! # fn covered(account: &Account, withdrawal: &Withdraw) -> bool { withdrawal.cents <= account.balance_cents }
//! # #[command]
//! # async fn withdraw(withdraw: Withdraw, account: &mut Account) {
//! #     account.balance_cents -= withdraw.cents;
//! #     emit(MoneyWithdrawn { account: withdraw.account, cents: withdraw.cents });
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In a `#[tokio::test]`:
//! let bank = TestRuntime::start().await;
//! bank.given(Account { id: "a-1".into(), balance_cents: 500 }).await;
//!
//! bank.when(Withdraw { account: "a-1".into(), cents: 200 }).await
//!     .then_succeeds()
//!     .then_emits(MoneyWithdrawn { account: "a-1".into(), cents: 200 })
//!     .then_entity(&Account { id: "a-1".into(), balance_cents: 300 });
//!
//! bank.when(Withdraw { account: "a-1".into(), cents: 301 }).await
//!     .then_fails(FailureKind::Violated, "covered")
//!     .then_changes_nothing();
//! # }
//! ```
//!
//! The [guide](crate::guide::testing) shows the rest: time, retries, faults, and whom a handler calls outside.
//!
//! All of this is there without a feature to turn on: it brings one small dependency without any of its own, and what a
//! program does not call is not linked into it. In production a runtime knows nothing of a test.

mod begun;
mod builder;
mod difference;
mod list;
mod outcome;
mod record;
mod test_runtime;

pub use begun::Begun;
pub use builder::TestRuntimeBuilder;
pub use list::{CommandList, EventList};
pub use outcome::{Outcome, Ran};
pub use test_runtime::TestRuntime;

pub use crate::engine::{Fault, Point};
