//! Several mistakes in one item are reported in one compile, and cause no others.
use enact::prelude::*;

#[event(target = account, name = "")]
struct MoneyWithdrawn(String, i64);

fn main() {}
