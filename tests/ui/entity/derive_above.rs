//! The derives stand below the attribute, which otherwise does not see them and derives for itself.
//!
//! One error a derive: they are run before the attribute, and know nothing of it.
use enact::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
#[entity]
struct Account {
    id: String,
}

fn main() {}
