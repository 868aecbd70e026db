//! Several mistakes in one item are reported in one compile, and cause no further errors.
use enact::prelude::*;

#[strategy]
trait Pricing {
    fn cents(&self) -> i64;
}

struct Fixed<T>(T);

#[strategy(policy, nam = "fixed")]
impl<T: Into<i64> + Copy + Send + Sync + 'static> Pricing for Fixed<T> {
    fn cents(&self) -> i64 {
        self.0.into()
    }
}

fn main() {}
