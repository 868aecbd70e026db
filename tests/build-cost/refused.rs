//! What commands act on.

use std::{error, fmt};

/// Why money is not given out.
#[derive(Debug)]
pub enum Refused {
    NotCovered,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the account does not hold that much")
    }
}

impl error::Error for Refused {}
