//! r28: only an entity can be read. The error names a missing `#[entity]`.
use enact::prelude::*;

struct Account {
    id: String,
}

async fn boundary(runtime: Runtime) {
    let _ = runtime.entities::<Account>();
}

fn main() {}
