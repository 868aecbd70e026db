//! r21: a variant has a name, by default that of its type.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

#[strategy(variant)]
impl Pricing for [i64; 2] {
    fn cents(&self) -> i64 {
        self[0]
    }
}

fn main() {}
