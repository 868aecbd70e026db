//! r06: what another program returns is read from the job's record.
use enact::prelude::*;

struct Receipt {
    number: u64,
}

#[command(remote, output = Receipt)]
struct Pay {}

fn main() {}
