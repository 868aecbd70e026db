//! Derives go below the attribute, which cannot see those above it and derives again.
//!
//! One error for each derive, because they run before the attribute.
use enact::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[command]
struct Ping {}

fn main() {}
