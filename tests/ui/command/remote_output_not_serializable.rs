//! r06: the output of a remote command is read from the store.
use enact::prelude::*;

struct Receipt {
    number: u64,
}

#[command(remote, output = Receipt)]
struct Pay {}

fn main() {}
