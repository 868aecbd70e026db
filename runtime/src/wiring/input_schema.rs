//! Validation by JSON Schema: schemars generates the schema, jsonschema validates.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::pointer::{self, field_of};
use crate::domain::{self, AnyValue, MAX_DEPTH, NotStorable, Parse, Written, without_position};
use crate::model::{Failure, FailureKind, Json, Violation};

/// Longer values are not quoted in messages.
const MAX_QUOTED_BYTES: usize = 80;

/// The number of violations that are listed. Further ones are counted.
const MAX_VIOLATIONS: usize = 100;

/// The schema of a command or an event.
pub(crate) struct InputSchema {
    name: &'static str,
    schema: Value,
    validator: Validator,
    parse: Parse,
    max_bytes: usize,
}

/// Whether fields that a schema does not declare are violations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    /// For commands.
    Refused,
    /// For events.
    Ignored,
}

impl InputSchema {
    /// Compiles a schema. Fails if the schema is invalid, such as for a pattern that is not a regular expression.
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
            .map_err(|error| format!("at `{}`: {error}", error.instance_path()))?;
        Ok(Self { name, schema, validator, parse, max_bytes })
    }

    /// The schema as JSON.
    pub(crate) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Validates a serialized value, and checks that its type reads it back ([r19](crate::rules#r19)).
    pub(crate) fn admit(&self, written: Result<Written, NotStorable>) -> Result<Json, Failure> {
        let written = written.map_err(|error| self.not_storable(error))?;
        let value = written.value();
        if written.is_odd() {
            written.check(&value.to_string()).map_err(|error| self.not_storable(error))?;
        }
        let text = self.check(value)?;
        written.check(text.as_str()).map_err(|error| self.not_storable(error))?;
        Ok(text)
    }

    fn not_storable(&self, error: NotStorable) -> Failure {
        match error {
            NotStorable::NotReadable(violations) => self.invalid(violations),
            NotStorable::NotJson(error) => {
                let message = format!("`{}` cannot be written as JSON: {error}", self.name);
                Failure::new(FailureKind::Invalid, "not_json", message)
            }
        }
    }

    /// Validates a value and returns its text. Depth and size are checked first, so that a value that is too large costs no
    /// validation.
    pub(crate) fn check(&self, value: &Value) -> Result<Json, Failure> {
        if !is_within(value, MAX_DEPTH) {
            let message = format!("it is nested more than {MAX_DEPTH} levels deep: flatten it");
            return Err(self.invalid(vec![Violation::at("", "too_deep", message)]));
        }
        let text = Json::of(value)
            .map_err(|error| self.invalid(vec![Violation::at("", "not_json", error.to_string())]))?;
        let bytes = text.as_str().len();
        if bytes > self.max_bytes {
            let message = format!(
                "it is {bytes} bytes long as JSON, and the limit is {}: store large content elsewhere and send a \
                 reference, or raise `max_payload_bytes` on the builder",
                self.max_bytes
            );
            return Err(self.invalid(vec![Violation::at("", "payload_too_large", message)]));
        }
        self.validate(value)?;
        Ok(text)
    }

    /// The failure of a command without a target whose handler binds an entity.
    pub(crate) fn no_target(&self) -> Failure {
        let message =
            "the target is null, and the handler binds an entity: set the target to the entity's id";
        self.invalid(vec![Violation::at("", "no_target", message)])
    }

    /// Validates and deserializes a stored payload.
    pub(crate) fn read(&self, text: &Json) -> Result<AnyValue, Failure> {
        let value = text.value().map_err(|error| {
            self.invalid(vec![Violation::at("", "not_json", format!("it is not JSON: {error}"))])
        })?;
        self.validate(&value)?;
        self.parse(text)
    }

    /// Deserializes a payload that is valid by its schema. The type may still refuse it, such as by the range of an `i64`.
    pub(crate) fn parse(&self, text: &Json) -> Result<AnyValue, Failure> {
        domain::parse(text.as_str(), self.parse).map_err(|error| {
            let pointer = text.value().map(|value| pointer::pointer(&value, self.parse)).unwrap_or_default();
            self.invalid(vec![Violation::at(pointer, "unreadable", without_position(&error))])
        })
    }

    fn validate(&self, value: &Value) -> Result<(), Failure> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let mut all = self.validator.iter_errors(value).flat_map(|error| self.violations(&error));
        let mut violations: Vec<_> = all.by_ref().take(MAX_VIOLATIONS).collect();
        let more = all.count();
        if more > 0 {
            let message = format!("{more} more violations are not listed");
            violations.push(Violation::at("", "more_violations", message));
        }
        Err(self.invalid(violations))
    }

    fn invalid(&self, violations: Vec<Violation>) -> Failure {
        Failure::from_violations(FailureKind::Invalid, format!("`{}` is invalid", self.name), violations)
    }

    /// The violations of one error: at the missing or unknown fields if it is about fields.
    fn violations(&self, error: &ValidationError<'_>) -> Vec<Violation> {
        let pointer = error.instance_path().to_string();
        let code = error.kind().keyword().to_owned();
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                let field = property.as_str().unwrap_or_default();
                vec![Violation::at(field_of(&pointer, field), code, "this field is required")]
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let message = self.unknown_field(error.schema_path().as_str());
                let at =
                    |field: &String| Violation::at(field_of(&pointer, field), code.clone(), message.clone());
                unexpected.iter().map(at).collect()
            }
            _ if is_quotable(error.instance()) => vec![Violation::at(pointer, code, error.to_string())],
            _ => vec![Violation::at(pointer, code, error.masked().to_string())],
        }
    }

    fn unknown_field(&self, keyword: &str) -> String {
        let object = keyword.rsplit_once('/').map_or("", |(object, _)| object);
        let fields = self.schema.pointer(&format!("{object}/properties")).and_then(Value::as_object);
        match fields {
            Some(fields) if !fields.is_empty() => {
                let known: Vec<_> = fields.keys().map(|field| format!("`{field}`")).collect();
                format!("unknown field; the fields are {}", known.join(", "))
            }
            _ => "unknown field; there are no fields here".to_owned(),
        }
    }
}

impl fmt::Debug for InputSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InputSchema({})", self.name)
    }
}

fn is_quotable(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= MAX_QUOTED_BYTES,
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

/// Refuses unknown fields at every depth, unless a schema sets `additionalProperties` itself.
///
/// An object composed of several schemas (`allOf`, or variants beside common fields) is closed as a whole by
/// `unevaluatedProperties`. Its parts stay open, since none of them declares all the fields.
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
    let is_explicit = ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|keyword| keywords.contains_key(*keyword));
    if !is_part && !is_explicit && (has_fields || is_composed) {
        let keyword = if is_composed { "unevaluatedProperties" } else { "additionalProperties" };
        keywords.insert(keyword.to_owned(), Value::Bool(false));
    }
    if is_composed && keywords.get("additionalProperties") == Some(&Value::Bool(false)) {
        // `deny_unknown_fields` beside the parts applies to the whole.
        keywords.remove("additionalProperties");
        keywords.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
    if keywords.get("additionalProperties") == Some(&Value::Bool(false)) {
        // jsonschema names the unknown field only if `properties` is present.
        keywords.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
    close_subschemas(keywords, is_part || is_composed);
}

fn close_subschemas(keywords: &mut Map<String, Value>, parts: bool) {
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
