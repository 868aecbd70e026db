//! Locates the value in a JSON document that its type refuses although the schema accepts it.
//!
//! Crates that track the path during deserialization are instantiated for each type of a domain. This module calls the
//! deserialize function again instead, so it is compiled once.

use std::fmt;

use serde_json::Value;

use crate::domain::{self, Parse};

/// The JSON pointer of the innermost value that is refused.
pub(crate) fn pointer(value: &Value, parse: Parse) -> String {
    let text = value.to_string();
    let mut end = None;
    // Deserialization may fail later than at the refused value, so shorten the text until it is accepted.
    let mut rest = Some(&*text);
    while let Some(stopped) = rest.and_then(|text| refused_at(text, parse)) {
        end = Some(stopped);
        rest = text.get(..stopped.saturating_sub(1));
    }
    end.map_or_else(String::new, |end| containing(end, value))
}

/// The number of bytes that are read until the type refuses the text, which may be truncated.
fn refused_at(text: &str, parse: Parse) -> Option<usize> {
    let error = domain::parse(text, parse).err().filter(serde_json::Error::is_data)?;
    // The text has a single line.
    Some(error.column().min(text.len())).filter(|read| *read > 0)
}

/// The pointer of the innermost value that contains the byte at `end` of the text.
fn containing(end: usize, value: &Value) -> String {
    let mut begin = 1;
    for Child { token, name, value } in children(value) {
        let length = name + value.to_string().len();
        if (begin + 1..=begin + length).contains(&end) {
            return token + &containing((end - begin).saturating_sub(name), value);
        }
        begin += length + 1;
    }
    String::new()
}

/// A field of an object or an element of an array.
struct Child<'a> {
    /// Its token in the pointer.
    token: String,
    /// The length of its name in bytes, including the colon.
    name: usize,
    value: &'a Value,
}

fn children<'a>(value: &'a Value) -> Vec<Child<'a>> {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&'a String, &'a Value)| Child {
                token: field_of("", name),
                name: Value::from(&**name).to_string().len() + 1,
                value,
            };
            fields.iter().map(field).collect()
        }
        Value::Array(values) => {
            let element =
                |(index, value): (usize, &'a Value)| Child { token: format!("/{index}"), name: 0, value };
            values.iter().enumerate().map(element).collect()
        }
        _ => Vec::new(),
    }
}

/// The place of a value in a document. It is shown as a JSON pointer.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(object, name) => write!(f, "{object}{}", field_of("", name)),
            Self::Element(array, index) => write!(f, "{array}/{index}"),
        }
    }
}

/// The JSON pointer of an object's field.
pub(crate) fn field_of(object: &str, field: &str) -> String {
    format!("{object}/{}", field.replace('~', "~0").replace('/', "~1"))
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
            assert_eq!(pointer(&refused, domain::parse_as::<Order>), place, "{refused}");
        }
    }

    #[test]
    fn what_is_accepted_is_not_pointed_at() {
        assert_eq!(pointer(&order("/a~1ü", json!(8)), domain::parse_as::<Order>), "");
    }
}
