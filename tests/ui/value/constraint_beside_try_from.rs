// A constraint of a field of a type that is read as another type is in no schema.

use enact::prelude::*;

#[value]
#[serde(try_from = "String")]
struct Name(#[schemars(length(min = 1))] String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Ok(Self(name))
    }
}

fn main() {}
