//! A command is stored as a JSON object, so its fields have names.
use enact::prelude::*;

#[command]
struct Withdraw(String, i64);

#[command]
async fn withdraw(_withdrawal: Withdraw) {}

fn main() {}
