//! What every store of enact must show, as a library: see [`conformance`].
#![forbid(unsafe_code)]

pub mod conformance;
