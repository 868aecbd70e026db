//! Validation by JSON Schema (r11): schemars makes the schema, jsonschema checks it.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::pointer::{self, field_of};
use crate::domain::{self, AnyValue, Parse};
use crate::model::{Failure, FailureKind, Json, Violation};

/// How deep a payload may be nested: as deep as it can be read back from a store.
const DEEPEST: usize = 127;

/// A value longer than this is not quoted in a message.
const LONGEST_QUOTE: usize = 80;

/// How many violations are reported one by one. The rest is counted.
const MOST_VIOLATIONS: usize = 100;

/// What a command or an event must look like.
pub(crate) struct Input {
    name: &'static str,
    schema: Value,
    validator: Validator,
    parse: Parse,
    max_bytes: usize,
}

/// What becomes of fields that a schema does not know (r11).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// They are violations: commands.
    Refused,
    /// They pass: events.
    Ignored,
}

impl Input {
    /// Compiles a schema. Fails if the schema itself is wrong, as for a pattern that is no regular expression.
    pub(crate) fn compile(
        name: &'static str,
        schema: fn(&mut SchemaGenerator) -> Schema,
        parse: Parse,
        unknown_fields: UnknownFields,
        max_bytes: usize,
    ) -> Result<Self, String> {
        let mut schema = Value::from(schema(&mut SchemaGenerator::default()));
        if unknown_fields == UnknownFields::Refused {
            close_objects(&mut schema);
        }
        let validator = jsonschema::options()
            .offline()
            .build(&schema)
            .map_err(|error| format!("its schema is wrong at `{}`: {error}", error.instance_path()))?;
        Ok(Self { name, schema, validator, parse, max_bytes })
    }

    /// The schema that is checked.
    pub(crate) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Takes what serde has made of a typed value: its JSON, if that is valid.
    pub(crate) fn admit(&self, value: serde_json::Result<Value>) -> Result<Json, Failure> {
        let value = value.map_err(|error| {
            let message = format!("`{}` cannot be written as JSON: {error}", self.name);
            Failure::new(FailureKind::Invalid, "not_json", message)
        })?;
        self.check(&value)
    }

    /// Checks a value: its depth, the size of its text, which is the answer, and its schema. What is too large costs no
    /// validation.
    pub(crate) fn check(&self, value: &Value) -> Result<Json, Failure> {
        if !is_within(value, DEEPEST) {
            let message = format!("it is nested more than {DEEPEST} levels deep; keep it flatter");
            return Err(self.invalid(vec![Violation::at("", "too_deep", message)]));
        }
        let text = Json::of(value)
            .map_err(|error| self.invalid(vec![Violation::at("", "not_json", error.to_string())]))?;
        let bytes = text.as_str().len();
        if bytes > self.max_bytes {
            let message = format!(
                "it is {bytes} bytes long as JSON, more than the {} that the runtime takes; keep large content \
                 elsewhere and send a reference, or raise `max_payload_bytes` on the runtime's builder",
                self.max_bytes
            );
            return Err(self.invalid(vec![Violation::at("", "payload_too_large", message)]));
        }
        self.validate(value)?;
        Ok(text)
    }

    /// What is wrong with a command that targets nothing, where its handler binds an entity.
    pub(crate) fn no_target(&self) -> Failure {
        let message = format!(
            "`{}` has no target, and its handler binds one: the field that holds the target is null; give it the id of \
             the entity that the command acts on",
            self.name
        );
        self.invalid(vec![Violation::at("", "no_target", message)])
    }

    /// Reads what a store has kept: validates it, and makes a typed value of it.
    pub(crate) fn read(&self, text: &Json) -> Result<AnyValue, Failure> {
        let value = text.value().map_err(|error| {
            self.invalid(vec![Violation::at("", "not_json", format!("it is no JSON: {error}"))])
        })?;
        self.validate(&value)?;
        self.parse(text)
    }

    /// Makes a typed value of what is valid by its schema. What only the type knows, such as the range of an `i64`,
    /// is found here.
    pub(crate) fn parse(&self, text: &Json) -> Result<AnyValue, Failure> {
        domain::parse(text.as_str(), self.parse).map_err(|error| {
            let pointer = text.value().map(|value| pointer::pointer(&value, self.parse)).unwrap_or_default();
            self.invalid(vec![Violation::at(pointer, "unreadable", without_place(&error))])
        })
    }

    fn validate(&self, value: &Value) -> Result<(), Failure> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let mut found = self.validator.iter_errors(value).flat_map(|error| self.violations(&error));
        let mut violations: Vec<_> = found.by_ref().take(MOST_VIOLATIONS).collect();
        let more = found.count();
        if more > 0 {
            let message = format!("{more} more violations are not listed");
            violations.push(Violation::at("", "more_violations", message));
        }
        Err(self.invalid(violations))
    }

    fn invalid(&self, violations: Vec<Violation>) -> Failure {
        Failure::from_violations(FailureKind::Invalid, format!("`{}` is invalid", self.name), violations)
    }

    /// One violation, or one for each unknown field, at the field that is to be mended.
    fn violations(&self, error: &ValidationError<'_>) -> Vec<Violation> {
        let place = error.instance_path().to_string();
        let code = error.kind().keyword().to_owned();
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                let field = property.as_str().unwrap_or_default();
                vec![Violation::at(field_of(&place, field), code, "this field is required")]
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let message = self.unknown_field(error.schema_path().as_str());
                let at =
                    |field: &String| Violation::at(field_of(&place, field), code.clone(), message.clone());
                unexpected.iter().map(at).collect()
            }
            _ if is_quotable(error.instance()) => vec![Violation::at(place, code, error.to_string())],
            _ => vec![Violation::at(place, code, error.masked().to_string())],
        }
    }

    fn unknown_field(&self, keyword: &str) -> String {
        let object = keyword.rsplit_once('/').map_or("", |(object, _)| object);
        let fields = self.schema.pointer(&format!("{object}/properties")).and_then(Value::as_object);
        match fields {
            Some(fields) if !fields.is_empty() => {
                let known: Vec<_> = fields.keys().map(|field| format!("`{field}`")).collect();
                format!("there is no such field; the fields here are {}", known.join(", "))
            }
            _ => "there is no such field; no field is expected here".to_owned(),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({})", self.name)
    }
}

/// What serde says, without the line and column of a text that nobody sees.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}

fn is_quotable(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= LONGEST_QUOTE,
        Value::Array(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(values) => levels > 0 && values.iter().all(|value| is_within(value, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|value| is_within(value, levels - 1)),
        _ => true,
    }
}

/// Refuses unknown fields at every depth, where a schema does not say otherwise.
///
/// An object that is put together of several schemas (`allOf`, or variants beside common fields) is closed as a whole
/// by `unevaluatedProperties`, and its parts stay open: none of them knows all the fields.
fn close_objects(schema: &mut Value) {
    if let Value::Object(keywords) = schema
        && !DESCRIBES_FIELDS.iter().any(|keyword| keywords.contains_key(*keyword))
    {
        // A command is a struct. Of one without fields schemars says only that it is an object.
        keywords.insert("properties".to_owned(), Value::Object(Map::new()));
    }
    close(schema, false);
}

const DESCRIBES_FIELDS: [&str; 8] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "patternProperties",
    "properties",
    "unevaluatedProperties",
];

fn close(schema: &mut Value, is_part: bool) {
    let Value::Object(keywords) = schema else { return };
    let has_fields = keywords.contains_key("properties");
    let is_composed = keywords.contains_key("allOf")
        || (has_fields && ["anyOf", "oneOf", "$ref"].iter().any(|keyword| keywords.contains_key(*keyword)));
    let says_otherwise = ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|keyword| keywords.contains_key(*keyword));
    if !is_part && !says_otherwise && (has_fields || is_composed) {
        let keyword = if is_composed { "unevaluatedProperties" } else { "additionalProperties" };
        keywords.insert(keyword.to_owned(), Value::Bool(false));
    }
    if is_composed && keywords.get("additionalProperties") == Some(&Value::Bool(false)) {
        // What `deny_unknown_fields` says of the fields beside the parts, it means of the whole.
        keywords.remove("additionalProperties");
        keywords.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
    if keywords.get("additionalProperties") == Some(&Value::Bool(false)) {
        // Without the keyword beside it, a violation would not name the field.
        keywords.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
    close_below(keywords, is_part || is_composed);
}

fn close_below(keywords: &mut Map<String, Value>, parts: bool) {
    for (keyword, value) in keywords {
        match (keyword.as_str(), value) {
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => close_all(schemas, parts),
            ("prefixItems", Value::Array(schemas)) => close_all(schemas, false),
            ("properties" | "$defs" | "patternProperties", Value::Object(schemas)) => {
                close_all(schemas.values_mut(), false);
            }
            ("items" | "additionalProperties" | "unevaluatedProperties", schema) => close(schema, false),
            _ => {}
        }
    }
}

fn close_all<'a>(schemas: impl IntoIterator<Item = &'a mut Value>, parts: bool) {
    for schema in schemas {
        close(schema, parts);
    }
}
