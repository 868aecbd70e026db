//! Several mistakes in one error are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
#[failure(code = "withdraw")]
enum WithdrawError {
    #[error("the withdrawal looks like fraud")]
    #[failure(permanant)]
    Suspicious,
    #[error("the vendor cannot be reached")]
    #[failure(transparent)]
    Unreachable,
}

#[derive(Debug, thiserror::Error, Failure)]
enum PayError {
    #[error(transparent)]
    #[failure(transparent)]
    Withdraw(#[from] WithdrawError),
}

#[command]
struct Pay {}

#[command]
async fn pay(_pay: Pay) -> Result<(), PayError> {
    Ok(())
}

fn main() {}
