//! r28: what is read is an entity. A forgotten `#[entity]` is named.
use enact::prelude::*;

struct Account {
    id: String,
}

async fn boundary(runtime: Runtime) {
    let _ = runtime.entities::<Account>();
}

fn main() {}
