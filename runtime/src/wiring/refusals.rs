//! What a type refuses of a JSON document beyond its schema: every value, each at its place.
//!
//! serde stops at the first value that a type refuses. But it reads a document from the front, and need not see the rest of it to
//! refuse a value. So each value is tried at the end of a document that leads to it and breaks off there: what is refused before the
//! end is reached is refused by its type. Crates that track the path during deserialization are instantiated for each type of a domain; this
//! module is compiled once.
//!
//! Only what is inside a refused value is tried. A value that serde buffers (an internally tagged, untagged or flattened
//! one) is reported as a whole.

use serde_json::Value;

use super::pointer::Path;
use super::violations::MAX_VIOLATIONS;
use crate::domain::{self, Applied, Parse, without_position};
use crate::model::Violation;

/// Longer values do not go along with those that are tried after them.
const MAX_SIBLING_BYTES: usize = 80;

/// The bytes that are read at most: this many, and so many times the document. What is not tried is reported with the value around
/// it.
const MIN_BUDGET: usize = 1 << 20;
const BUDGET_FACTOR: usize = 16;

/// The violations of a document that its type refuses, as many as are listed; none if it does not.
pub(super) fn refusals(schema: &Value, value: &Value, parse: Parse) -> Vec<Violation> {
    let budget = MIN_BUDGET + BUDGET_FACTOR * value.to_string().len();
    let mut trial = Trial { parse, budget, found: Vec::new() };
    trial.of("", value, &Applied::new(schema, schema, value), &Path::Root);
    trial.found
}

struct Trial {
    parse: Parse,
    budget: usize,
    found: Vec<Violation>,
}

impl Trial {
    /// Tries a value after the beginning of a document, and reports what is refused of it. Returns whether it is.
    fn of(&mut self, before: &str, value: &Value, schema: &Applied<'_>, at: &Path<'_>) -> bool {
        let Some(reason) = self.refusal(&format!("{before}{value}")) else { return false };
        let found = self.found.len();
        match value {
            Value::Object(fields) => {
                let mut siblings = String::new();
                for (name, field) in fields {
                    let name_and_colon = format!("{}:", Value::from(&**name));
                    let before = format!("{before}{{{siblings}{name_and_colon}");
                    let at = Path::Field(at, name);
                    if let Some(reason) = self.refusal(&before) {
                        self.report(&at, reason);
                    } else if !self.of(&before, field, &schema.field(name, field), &at) && is_short(field) {
                        // It may be the tag that tells how the others are read.
                        siblings = format!("{siblings}{name_and_colon}{field},");
                    }
                }
            }
            Value::Array(elements) => {
                let mut earlier = String::new();
                for (index, element) in elements.iter().enumerate() {
                    let before = format!("{before}[{earlier}");
                    let at = Path::Element(at, index);
                    let is_refused = self.of(&before, element, &schema.element(index, element), &at);
                    if schema.is_tuple() {
                        if is_refused {
                            // What comes after it cannot be reached.
                            break;
                        }
                        earlier = format!("{earlier}{element},");
                    }
                }
            }
            _ => {}
        }
        if self.found.len() == found {
            self.report(at, reason);
        }
        true
    }

    /// Why the type refuses the beginning of a document; `None` if it does not.
    fn refusal(&mut self, text: &str) -> Option<String> {
        self.budget = self.budget.checked_sub(text.len())?;
        let error = domain::parse(text, self.parse).err().filter(serde_json::Error::is_data)?;
        Some(without_position(&error))
    }

    fn report(&mut self, at: &Path<'_>, reason: String) {
        self.found.push(Violation::at(at.to_string(), "unreadable", reason));
        if self.found.len() == MAX_VIOLATIONS {
            self.budget = 0;
        }
    }
}

fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= MAX_SIBLING_BYTES,
        Value::Array(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by a panic")]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "it is only read")]
    struct Order {
        lines: Vec<Line>,
        #[serde(rename = "a/ü")]
        note: Option<Even>,
        way: Way,
        #[serde(default)]
        pair: Option<(Even, String)>,
    }

    #[derive(Deserialize)]
    #[serde(try_from = "Counts")]
    struct Line {}

    #[derive(Deserialize)]
    struct Counts {
        count: i8,
        most: Even,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "it is only read")]
    enum Way {
        Post,
        Courier { floor: Even },
    }

    /// A type that is validated after it was read.
    #[derive(Deserialize)]
    #[serde(try_from = "i64")]
    struct Even(i64);

    impl TryFrom<i64> for Even {
        type Error = String;

        fn try_from(number: i64) -> Result<Self, String> {
            if number % 2 == 0 { Ok(Self(number)) } else { Err(format!("{number} is odd")) }
        }
    }

    impl TryFrom<Counts> for Line {
        type Error = &'static str;

        fn try_from(line: Counts) -> Result<Self, Self::Error> {
            if i64::from(line.count) <= line.most.0 { Ok(Self {}) } else { Err("too many") }
        }
    }

    fn order(field: &str, value: Value) -> Value {
        let mut order = json!({ "a/ü": null, "lines": [{ "count": 1, "most": 10 }], "way": "Post" });
        *order.pointer_mut(field).unwrap() = value;
        order
    }

    fn pointers(value: &Value) -> Vec<String> {
        let schema = json!({ "properties": { "pair": { "prefixItems": [{}, {}] } } });
        let found = refusals(&schema, value, domain::parse_as::<Order>);
        found.iter().filter_map(|violation| violation.pointer().map(str::to_owned)).collect()
    }

    #[test]
    fn every_value_that_is_refused_is_pointed_at() {
        let mut order = order(
            "/lines",
            json!([{ "count": 1000, "most": 7 }, { "count": 1, "most": 2 }, { "count": 1, "most": 9 }]),
        );
        order["a/ü"] = json!(3);
        order["way"] = json!({ "Courier": { "floor": 3 } });
        order["pair"] = json!([1, "x", 2]);
        assert_eq!(
            pointers(&order),
            ["/a~1ü", "/lines/0/count", "/lines/0/most", "/lines/2/most", "/pair/0", "/way/Courier/floor"]
        );
    }

    #[test]
    fn what_is_too_much_to_try_is_reported_as_a_whole() {
        let line = json!({ "count": 1, "most": 7, "note": "x".repeat(10_000) });
        let mut order = order("/lines", Value::from(vec![line; 100]));
        order["note"] = Value::from(vec!["y".repeat(70); 5_000]);
        let found = pointers(&order);
        assert!(!found.is_empty() && found.iter().all(|place| place.starts_with("/lines")), "{found:?}");
    }

    #[test]
    fn the_innermost_value_that_is_refused_is_pointed_at() {
        for (refused, place) in [
            (order("/lines/0/count", json!(1000)), "/lines/0/count"),
            // Refused after it was read, as the last field or not.
            (order("/lines/0/most", json!(7)), "/lines/0/most"),
            (order("/a~1ü", json!(7)), "/a~1ü"),
            (order("/way", json!({ "Courier": { "floor": 3 } })), "/way/Courier/floor"),
            (order("/way", json!("Pigeon")), "/way"),
            // As a whole.
            (order("/lines", json!([{ "count": 1, "most": 2 }, { "count": 3, "most": 2 }])), "/lines/1"),
            (order("/way", json!({ "Courier": {} })), "/way/Courier"),
            (json!({}), ""),
            (json!(7), ""),
        ] {
            assert_eq!(pointers(&refused), [place], "{refused}");
        }
    }

    #[test]
    fn what_is_accepted_is_not_pointed_at() {
        assert!(pointers(&order("/a~1ü", json!(8))).is_empty());
    }
}
