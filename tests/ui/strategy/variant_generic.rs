//! r40: a variant is one type.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct Fixed<T>(T);

#[strategy(variant)]
impl<T: Into<i64> + Copy + Send + Sync + 'static> Pricing for Fixed<T> {
    fn cents(&self) -> i64 {
        self.0.into()
    }
}

fn main() {}
