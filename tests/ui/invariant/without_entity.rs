//! r16: an invariant is about an entity.
use enact::prelude::*;

/// The bank is open.
#[invariant]
fn open() -> bool {
    true
}

fn main() {}
