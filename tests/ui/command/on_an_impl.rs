//! `#[command]` goes on a struct or a function.
use enact::prelude::*;

struct Ping {}

#[command]
impl Ping {
    async fn run(self) {}
}

fn main() {}
