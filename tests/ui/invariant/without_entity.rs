//! r16: an invariant has an entity.
use enact::prelude::*;

/// The bank is open.
#[invariant]
fn open() -> bool {
    true
}

fn main() {}
