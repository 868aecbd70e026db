//! The bank's domain, one file for each feature.

mod account;
mod deposit;
mod fraud;
mod ids;
mod interest;
mod notify;
mod open;
mod transfer;
mod withdraw;

pub use account::{Account, MAX_CENTS};
pub use deposit::{Deposit, MoneyDeposited};
pub use fraud::{AmountLimit, Clearance, FraudAssessment, Verdict};
pub use ids::{AccountId, TransactionId, TransferId};
pub use interest::{CreditInterest, InterestPaid, InterestStep, Month, PayInterest};
pub use notify::Notifier;
pub use open::{AccountOpened, OpenAccount};
pub use transfer::{
    CompleteTransfer, RefundReason, RefundTransfer, StartTransfer, Transfer, TransferCompleted,
    TransferRefunded, TransferStarted, TransferState,
};
pub use withdraw::{LargeWithdrawal, MoneyWithdrawn, Withdraw, WithdrawError};
