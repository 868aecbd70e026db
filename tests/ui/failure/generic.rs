//! An error is found by its type, which is one.
use enact::prelude::*;

#[derive(Debug, thiserror::Error, Failure)]
#[error("{0} cannot be withdrawn")]
struct Refused<T>(T);

fn main() {}
