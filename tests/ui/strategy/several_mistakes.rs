//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[strategy(nam = "pricing")]
trait Pricing {
    fn cents(self) -> i64;
    fn currency() -> String;
}

fn main() {}
