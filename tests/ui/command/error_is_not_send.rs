//! r27: the error that a handler returns goes from thread to thread. Said twice, as of every error that is none.
use std::error::Error;

use enact::prelude::*;

#[command]
struct Pay {}

#[command]
async fn pay(_pay: Pay) -> Result<(), Box<dyn Error>> {
    Err("declined".into())
}

fn main() {}
