//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[event(target = account, name = "")]
struct MoneyWithdrawn(String, i64);

fn main() {}
