//! r40: the name of a variant is unique.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct List;

#[strategy(variant)]
impl Pricing for List {
    fn cents(&self) -> i64 {
        100
    }
}

struct Catalogue;

#[strategy(variant, name = "list")]
impl Pricing for Catalogue {
    fn cents(&self) -> i64 {
        100
    }
}

fn main() {}
