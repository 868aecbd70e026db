//! r40: a handler may call the variant from several places at once: it is shared.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&mut self) -> i64;
}

fn main() {}
