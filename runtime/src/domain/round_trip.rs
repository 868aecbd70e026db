//! Whether what is written as JSON can be read back by its own type ([r19](crate::rules#r19)).
//!
//! A value is written and read, and what was read is written again: both documents must be equal, up to the order of fields and of
//! the elements of arrays, since sets have none. What JSON cannot show is compared by a [walk](super::walk) over both values.
//!
//! The generic functions are instantiated for each type of a domain, and short.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::refused::{Refused, parse_text};
use super::walk::{MAX_DEPTH, Oddity, oddities, pointers};
use crate::model::{AnyValue, Failure, FailureKind, Json, Violation, drop_caught};

/// The largest number of violations that are listed.
const MAX_VIOLATIONS: usize = 100;

/// Why a value is not stored.
#[derive(Debug)]
pub(crate) enum NotStorable {
    /// It cannot be written as JSON.
    NotJson(serde_json::Error),
    /// It could not be read back as it is.
    NotReadable(Vec<Violation>),
}

impl NotStorable {
    /// The failure of an attempt that would commit `what`.
    pub(crate) fn into_failure(self, what: impl fmt::Display, not_json: &'static str) -> Failure {
        let failure = match self {
            Self::NotJson(error) => Failure::new(
                FailureKind::Error,
                not_json,
                format!("{what} cannot be written as JSON: {error}"),
            ),
            Self::NotReadable(violations) => {
                let message = format!("{what} could not be read back, so it is not committed");
                Failure::new(FailureKind::Error, "not_readable", message).with_violations(violations)
            }
        };
        failure.permanent()
    }
}

impl From<serde_json::Error> for NotStorable {
    fn from(error: serde_json::Error) -> Self {
        Self::NotJson(error)
    }
}

/// Writes a value as JSON that its type reads back.
pub(crate) fn readable_json<T: Serialize + DeserializeOwned>(value: &T) -> Result<Json, NotStorable> {
    let odd = oddities(value);
    too_deep(&odd, || pointers(value))?;
    let json = Json::of(value)?;
    let read: T =
        parse_text(json.as_str()).map_err(|refused| unreadable(refused, &odd, || pointers(value)))?;
    let odd_again = if odd.is_empty() { Vec::new() } else { oddities(&read) };
    let again = serde_json::to_string(&read);
    drop_caught(read);
    compare_oddities(&odd, &odd_again, || pointers(value))?;
    let again = again?;
    if json.as_str() != again {
        compare(&json.value()?, &serde_json::from_str(&again)?)?;
    }
    Ok(json)
}

/// A command or an event as JSON, which is validated by its schema before it is read back.
pub(crate) struct Written {
    value: Value,
    /// The same as text, with the fields in the order of the type.
    text: String,
    odd: Vec<Oddity>,
    pointers: Vec<String>,
    read: fn(&str, &str) -> Result<ReadBack, Refused>,
}

/// What was read from a text.
struct ReadBack {
    value: AnyValue,
    odd: Vec<Oddity>,
    /// The document that it is written as; `None` if it is the same text as before.
    again: Option<serde_json::Result<Value>>,
}

impl Written {
    pub(crate) fn of<T>(value: &T) -> Result<Self, NotStorable>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let odd = oddities(value);
        let pointers = if odd.is_empty() { Vec::new() } else { pointers(value) };
        too_deep(&odd, || pointers.clone())?;
        let text = serde_json::to_string(value)?;
        Ok(Self { value: serde_json::to_value(value)?, text, odd, pointers, read: read::<T> })
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Whether the document may hide something of the value: it is read back before its schema is asked, which would find a `null`.
    pub(crate) fn is_odd(&self) -> bool {
        !self.odd.is_empty()
    }

    /// Checks that the type reads the text back as it is, and returns what it reads.
    pub(crate) fn check(&self, text: &str) -> Result<AnyValue, NotStorable> {
        let pointers = || self.pointers.clone();
        let ReadBack { value, odd, again } =
            (self.read)(text, &self.text).map_err(|refused| unreadable(refused, &self.odd, pointers))?;
        if self.odd != odd {
            compare_oddities(&self.odd, &odd, pointers)?;
        }
        if let Some(again) = again.transpose()?
            && self.value != again
        {
            compare(&self.value, &again)?;
        }
        Ok(value)
    }
}

/// Reads a text as a `T`, and writes that again. Equal texts are equal documents, and cost less to compare.
fn read<T>(text: &str, written: &str) -> Result<ReadBack, Refused>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let read: T = parse_text(text)?;
    let odd = oddities(&read);
    let is_same = serde_json::to_string(&read).is_ok_and(|again| again == written);
    let again = if is_same { None } else { Some(serde_json::to_value(&read)) };
    Ok(ReadBack { value: AnyValue::new(read), odd, again })
}

/// The document that a command is written as after it was read; `None` if it cannot be read, or written.
pub(crate) fn rewritten<T: Serialize + DeserializeOwned>(text: &str) -> Option<Value> {
    let read: T = parse_text(text).ok()?;
    let again = serde_json::to_value(&read);
    drop_caught(read);
    again.ok()
}

fn too_deep(odd: &[Oddity], pointers: impl FnOnce() -> Vec<String>) -> Result<(), NotStorable> {
    if odd.last() == Some(&Oddity::TooDeep) {
        return Err(lost(odd.iter().copied().zip(pointers()).filter(|(odd, _)| *odd == Oddity::TooDeep)));
    }
    Ok(())
}

/// Checks that the value that was read has the same oddities. A map may have them in another order.
fn compare_oddities(
    written: &[Oddity],
    read: &[Oddity],
    pointers: impl FnOnce() -> Vec<String>,
) -> Result<(), NotStorable> {
    let sorted = |odd: &[Oddity]| {
        let mut odd = odd.to_vec();
        odd.sort_unstable();
        odd
    };
    if sorted(written) == sorted(read) {
        return Ok(());
    }
    let mut left = read.to_vec();
    let is_lost = |(odd, _): &(Oddity, String)| match left.iter().position(|other| other == odd) {
        Some(index) => {
            left.swap_remove(index);
            false
        }
        None => true,
    };
    Err(lost(written.iter().copied().zip(pointers()).filter(is_lost)))
}

fn lost(odd: impl Iterator<Item = (Oddity, String)>) -> NotStorable {
    let violation = |(odd, pointer): (Oddity, String)| {
        let number = |name| {
            format!(
                "{name} is no number in JSON: check the computation, or make it an `Option` and store `None`"
            )
        };
        let (code, message) = match odd {
            Oddity::Nan => ("not_finite", number("NaN")),
            Oddity::Infinity => ("not_finite", number("infinity")),
            Oddity::NegativeInfinity => ("not_finite", number("negative infinity")),
            Oddity::SomeNull => (
                "some_null",
                "`Some` of a value that JSON writes as `null` is read back as `None`: store `None`, or an enum instead of \
                 the `Option`"
                    .to_owned(),
            ),
            Oddity::TooDeep => {
                ("too_deep", format!("it is nested more than {MAX_DEPTH} levels deep: flatten it"))
            }
        };
        Violation::at(pointer, code, message)
    };
    NotStorable::NotReadable(odd.take(MAX_VIOLATIONS).map(violation).collect())
}

/// The value cannot be read: because of its oddities, if it has any, or by an asymmetry of its type.
fn unreadable(refused: Refused, odd: &[Oddity], pointers: impl FnOnce() -> Vec<String>) -> NotStorable {
    if !odd.is_empty() {
        return lost(odd.iter().copied().zip(pointers()));
    }
    let message = format!(
        "its type does not read what it writes ({}): make its serde attributes (`rename`, `skip_serializing`, `flatten`, \
         `with`) the same for both",
        refused.message()
    );
    NotStorable::NotReadable(vec![refused.with_message(message).into_violation()])
}

/// Checks that two documents are equal, up to the order of fields and elements.
fn compare(written: &Value, read: &Value) -> Result<(), NotStorable> {
    let Some(pointer) = difference(written, read) else { return Ok(()) };
    let message = "it is read back as another value, or not at all: make its serde attributes (`rename`, `skip_deserializing`, \
                   `default`, `with`) the same for reading and writing";
    Err(NotStorable::NotReadable(vec![Violation::at(pointer, "changed", message)]))
}

/// The JSON pointer of the first difference.
fn difference(written: &Value, read: &Value) -> Option<String> {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => field_difference(written, read),
        (Value::Array(written), Value::Array(read)) => {
            let mut all = written.iter().zip(read).enumerate();
            let first = all.find_map(|(index, (written, read))| Some((index, difference(written, read)?)));
            match first {
                None if written.len() == read.len() => None,
                _ if is_same_set(written, read) => None,
                Some((index, below)) => Some(format!("/{index}{below}")),
                None => Some(String::new()),
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {
            // `5` and `5.0` are one number, and two integers that a float does not tell apart are not.
            (one.is_f64() == other.is_f64() && one != other).then(String::new)
        }
        _ => (written != read).then(String::new),
    }
}

fn field_difference(written: &Map<String, Value>, read: &Map<String, Value>) -> Option<String> {
    let at = |name: &str, below: &str| format!("/{}{below}", name.replace('~', "~0").replace('/', "~1"));
    for (name, value) in written {
        match read.get(name) {
            Some(other) => {
                if let Some(below) = difference(value, other) {
                    return Some(at(name, &below));
                }
            }
            None => return Some(at(name, "")),
        }
    }
    read.keys().find(|name| !written.contains_key(*name)).map(|name| at(name, ""))
}

/// Whether two arrays have the same elements.
fn is_same_set(one: &[Value], other: &[Value]) -> bool {
    let sorted = |values: &[Value]| {
        let mut texts: Vec<_> = values.iter().map(canonical).collect();
        texts.sort_unstable();
        texts
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}

/// A text that is the same for documents that differ in the order of fields and elements only.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let mut texts: Vec<_> = values.iter().map(canonical).collect();
            texts.sort_unstable();
            format!("[{}]", texts.join(","))
        }
        Value::Object(fields) => {
            let mut texts: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name:?}:{}", canonical(value))).collect();
            texts.sort_unstable();
            format!("{{{}}}", texts.join(","))
        }
        other => other.to_string(),
    }
}
