//! An event is stored as a JSON object, so its fields have names.
use enact::prelude::*;

#[event]
struct MoneyWithdrawn(i64);

#[event_handler]
async fn notify(_event: MoneyWithdrawn) {}

fn main() {}
