//! r06: the output is stored with the job. Reported twice, like every unusable return type.
use enact::prelude::*;

struct Receipt {
    number: u64,
}

#[command]
struct Pay {}

#[command]
async fn pay(_pay: Pay) -> Result<Receipt, Failure> {
    Ok(Receipt { number: 1 })
}

fn main() {}
