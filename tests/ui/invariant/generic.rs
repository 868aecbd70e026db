//! r16: an invariant is checked for one entity type.
use enact::prelude::*;

/// It is positive.
#[invariant]
fn positive<T: Into<i64> + Copy>(amount: &T) -> bool {
    (*amount).into() > 0
}

fn main() {}
