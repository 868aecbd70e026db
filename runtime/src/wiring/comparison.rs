//! Whether two payloads are the same request ([r25](crate::rules#r25)).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;

use super::input_schema::InputSchema;
use crate::domain::Applied;
use crate::model::{Json, canonical, drop_caught};
use crate::store::{PayloadComparison, is_equal_json};

/// Compares payloads of a command as values of its type: by what the type writes after it has read them, so defaults and aliases make no
/// difference, and without the order of sets, which the schema knows.
pub(super) struct Comparison {
    pub(super) input: Arc<InputSchema>,
    pub(super) rewritten: fn(&str) -> Option<Value>,
}

impl Comparison {
    /// The canonical form of a payload; `None` if its type cannot read it, such as one of an older version.
    fn canonical(&self, payload: &Json) -> Option<String> {
        // Unwind safe: nothing of a panicking `Deserialize` or `Serialize` is kept.
        let read = catch_unwind(AssertUnwindSafe(|| (self.rewritten)(payload.as_str())));
        let mut value = read.map_err(drop_caught).ok().flatten()?;
        let schema = self.input.schema();
        let applied = Applied::new(schema, schema, &value);
        sort_sets(&mut value, &applied);
        canonical(&value.to_string())
    }
}

impl PayloadComparison for Comparison {
    fn is_equal(&self, stored: &Json, new: &Json) -> bool {
        match (self.canonical(stored), self.canonical(new)) {
            (Some(stored), Some(new)) => stored == new,
            _ => is_equal_json(stored, new),
        }
    }
}

impl fmt::Debug for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Comparison({:?})", self.input)
    }
}

/// Sorts the elements of sets.
fn sort_sets(value: &mut Value, schema: &Applied<'_>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let schema = schema.field(name, field);
                sort_sets(field, &schema);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter_mut().enumerate() {
                let schema = schema.element(index, element);
                sort_sets(element, &schema);
            }
            if schema.is_set() {
                elements.sort_by_cached_key(|element| canonical(&element.to_string()));
            }
        }
        _ => {}
    }
}
