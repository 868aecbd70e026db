//! r27: the returned error is sent between threads. Reported twice, like every unusable return type.
use std::error::Error;

use enact::prelude::*;

#[command]
struct Pay {}

#[command]
async fn pay(_pay: Pay) -> Result<(), Box<dyn Error>> {
    Err("declined".into())
}

fn main() {}
