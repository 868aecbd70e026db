//! The entities.

use std::{error, fmt};

/// Why a withdrawal is refused.
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
