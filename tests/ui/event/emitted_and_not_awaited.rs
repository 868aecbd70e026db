//! At the boundary an event is emitted when the call is awaited. A forgotten `.await` is warned of.
#![deny(unused_must_use)]
#![allow(dead_code)]
use enact::prelude::*;

#[event]
struct Started {}

async fn boundary(runtime: Runtime) {
    runtime.emit(Started {});
}

fn main() {}
