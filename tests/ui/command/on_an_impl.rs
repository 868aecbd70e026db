//! `#[command]` goes on the struct and on its handler.
use enact::prelude::*;

struct Ping {}

#[command]
impl Ping {
    async fn run(self) {}
}

fn main() {}
