//! Tests a domain on the production lifecycle, with a clock that the test drives ([r60](crate::rules#r60) to
//! [r62](crate::rules#r62)).
//!
//! A [`TestRuntime`] is a [`Runtime`](crate::Runtime) that does nothing by itself: jobs run, and time passes, when the test
//! says so. It runs the code of production, with stored jobs, validation, invariants and commits. A test says what is
//! [given](TestRuntime::given) and what [happens](TestRuntime::when), and checks the [`Outcome`]:
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
//! The [guide](crate::guide::testing) shows the rest: time, retries, faults, and fakes for capabilities.
//!
//! The kit is behind the feature `testing`. Turn it on for tests only, in `[dev-dependencies]`:
//!
//! ```toml
//! enact = { version = "0.1", features = ["testing"] }
//! ```

mod builder;
mod difference;
mod executed_attempt;
mod given;
mod list;
mod outcome;
mod running_attempt;
mod snapshot;
mod stored;
mod test_runtime;

pub use builder::TestRuntimeBuilder;
pub use executed_attempt::ExecutedAttempt;
pub use list::{CommandList, EventList};
pub use outcome::Outcome;
pub use running_attempt::RunningAttempt;
pub use test_runtime::TestRuntime;

pub use crate::engine::{Fault, Point};
