//! The canonical form of a JSON document.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// Deeper documents have no canonical form. The reader of payloads stops at about the same depth.
const MAX_DEPTH: usize = 128;

/// A text that is the same for all texts of a document, whatever the order of fields, the notation of numbers, the escapes and the blanks:
/// `1`, `1.0` and `10e-1` are one number, of any size and precision. `None` if it is not JSON, or is too deep.
///
/// It is made from the text, since how [`Value`] keeps fields and numbers depends on the features of `serde_json` that any crate of a program
/// may enable.
pub(crate) fn canonical(json: &str) -> Option<String> {
    let mut text = String::with_capacity(json.len());
    write(serde_json::from_str(json).ok()?, MAX_DEPTH, &mut text)?;
    Some(text)
}

fn write(value: &RawValue, depth: usize, text: &mut String) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let json = value.get();
    match json.as_bytes().first()? {
        b'{' => {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
            text.push('{');
            for (name, value) in fields {
                text.push_str(&Value::from(name).to_string());
                text.push(':');
                write(value, depth, text)?;
                text.push(',');
            }
            text.push('}');
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            text.push('[');
            for element in elements {
                write(element, depth, text)?;
                text.push(',');
            }
            text.push(']');
        }
        b'"' => text.push_str(&Value::from(serde_json::from_str::<String>(json).ok()?).to_string()),
        b'-' | b'0'..=b'9' => text.push_str(&number(json)?),
        _ => text.push_str(json),
    }
    Some(())
}

/// A number as its digits, without leading and trailing zeros, and their power of ten.
fn number(json: &str) -> Option<String> {
    let (sign, number) = json.strip_prefix('-').map_or(("", json), |number| ("-", number));
    let (number, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let zeros = i128::try_from(digits.len() - significant.len()).ok()?;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let exponent = i128::from(exponent.parse::<i64>().ok()?);
    let exponent = exponent - i128::try_from(fraction.len()).ok()? + zeros;
    Some(format!("{sign}{significant}e{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_a_document_have_one_canonical_form() {
        for (one, other) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("1200", "1.2E+3"),
            ("0", "-0.00e5"),
            ("-5", "-5.000"),
            ("0.05", "5e-2"),
            ("18446744073709551615", "18446744073709551615.0"),
            (r#"{"a":1,"b":{"c":2,"d":[3]}}"#, r#" { "b" : {"d":[3.0],"c":2}, "a":1 } "#),
            (r#""\u00e9\/""#, "\"\u{e9}/\""),
        ] {
            assert!(canonical(one).is_some(), "{one}");
            assert_eq!(canonical(one), canonical(other), "{one} {other}");
        }
    }

    #[test]
    fn different_documents_have_different_canonical_forms() {
        for (one, other) in [
            ("1", "-1"),
            ("1", "10"),
            ("1", "\"1\""),
            ("10", "100"),
            ("0.1", "0.01"),
            ("18446744073709551615", "18446744073709551614"),
            ("-9223372036854775808", "-9223372036854775807"),
            ("340282366920938463463374607431768211455", "340282366920938463463374607431768211454"),
            ("9007199254740993", "9007199254740992.0"),
            ("[1,2]", "[2,1]"),
            ("[12]", "[1,2]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
            (r#"["a,b"]"#, r#"["a","b"]"#),
            ("null", "0"),
        ] {
            assert!(canonical(one).is_some() && canonical(other).is_some(), "{one} {other}");
            assert_ne!(canonical(one), canonical(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_document_or_too_deep_has_no_canonical_form() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "{", "1 2", "nul", &deep] {
            assert_eq!(canonical(text), None);
        }
    }
}
