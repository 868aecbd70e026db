// A constraint of a flattened field is in no schema.

use enact::prelude::*;

#[value]
struct Address {
    street: String,
    #[schemars(length(min = 1))]
    #[serde(flatten)]
    others: std::collections::BTreeMap<String, String>,
}

fn main() {}
