//! The runtime finds an error by its type, so it cannot be generic.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
#[error("{0} cannot be withdrawn")]
struct Refused<T>(T);

fn main() {}
