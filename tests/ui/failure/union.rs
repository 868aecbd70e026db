//! An error is a struct or an enum.
use enact::prelude::*;

#[derive(Failure)]
union WithdrawError {
    number: u32,
    sign: i32,
}

fn main() {}
