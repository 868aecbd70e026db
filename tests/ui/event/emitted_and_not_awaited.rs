//! Outside an execution an event is emitted when the call is awaited. The compiler warns about a missing `.await`.
#![deny(unused_must_use)]
#![allow(dead_code)]
use enact::prelude::*;

#[event]
struct Started {}

async fn boundary(runtime: Runtime) {
    runtime.emit(Started {});
}

fn main() {}
