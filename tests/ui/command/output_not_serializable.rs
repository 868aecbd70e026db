//! r06: what a handler returns goes into the job's record. Said twice, as of everything that cannot be returned.
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
