//! Tests of a domain on the production lifecycle (r60 to r62).

mod faults;

pub use faults::{Fault, Point};
pub(crate) use faults::{Faults, is_crash};
