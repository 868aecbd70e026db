//! What a type writes and does not read.

use serde_json::{Map, Value, json};

/// Accepts the fields that a type writes and does not read (`skip_deserializing`, two names by `rename(serialize = …)`), by the schema
/// of what it writes. They are in the payloads of typed calls, and reading ignores them.
pub(super) fn add(read: &mut Value, written: &Value) {
    let (Value::Object(read), Value::Object(written)) = (read, written) else { return };
    for (keyword, written) in written {
        match (keyword.as_str(), written) {
            ("properties" | "$defs", Value::Object(written)) => {
                if let Value::Object(read) = read.entry(keyword).or_insert_with(|| json!({})) {
                    add_named(read, written);
                }
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(written)) => {
                if let Some(Value::Array(read)) = read.get_mut(keyword)
                    && read.len() == written.len()
                {
                    read.iter_mut().zip(written).for_each(|(read, written)| add(read, written));
                }
            }
            ("items" | "additionalProperties" | "unevaluatedProperties", written) => {
                if let Some(read) = read.get_mut(keyword) {
                    add(read, written);
                }
            }
            _ => {}
        }
    }
}

fn add_named(read: &mut Map<String, Value>, written: &Map<String, Value>) {
    for (name, written) in written {
        match read.get_mut(name) {
            Some(read) => add(read, written),
            None => drop(read.insert(name.clone(), written.clone())),
        }
    }
}
