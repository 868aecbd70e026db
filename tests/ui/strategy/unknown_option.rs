//! An unknown option suggests the one that was meant.
use enact::prelude::*;

#[strategy(nam = "pricing")]
trait Pricing {
    fn cents(&self) -> i64;
}

fn main() {}
