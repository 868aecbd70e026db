//! A command is a JSON object: its fields have names.
use enact::prelude::*;

#[command]
struct Withdraw(String, i64);

#[command]
async fn withdraw(_withdrawal: Withdraw) {}

fn main() {}
