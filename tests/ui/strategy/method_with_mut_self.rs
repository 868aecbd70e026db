//! r40: a handler may share the variant, so its methods take `&self`.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&mut self) -> i64;
}

fn main() {}
