//! Validation by JSON Schema: schemars generates the schema, jsonschema validates.

use std::fmt;

use jsonschema::Validator;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::problem::Problem;
use super::refusals::refusals;
use super::violations::Explainer;
use super::{aliases, closing, constraints, formats, written_fields};
use crate::domain::{self, MAX_DEPTH, NotStorable, Parse, Written, without_position};
use crate::model::{AnyValue, Failure, FailureKind, Json, Violation};

/// The schema of a command or an event.
pub(crate) struct InputSchema {
    name: &'static str,
    schema: Value,
    validator: Validator,
    explainer: Explainer,
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
    /// Compiles a schema. Fails if the schema is invalid, such as for a pattern that is not a regular expression. Adds the problems
    /// of constraints that would never be checked.
    pub(crate) fn compile(
        name: &'static str,
        schema: fn(&mut SchemaGenerator) -> Schema,
        parse: Parse,
        unknown_fields: UnknownFields,
        max_bytes: usize,
        problems: &mut Vec<Problem>,
    ) -> Result<Self, String> {
        let mut read = Value::from(schema(&mut SchemaGenerator::default()));
        let mut written =
            Value::from(schema(&mut SchemaSettings::default().for_serialize().into_generator()));
        let mut misplaced = constraints::apply(&mut read);
        for other in constraints::apply(&mut written) {
            if !misplaced.iter().any(|known| known.is_same(&other)) {
                misplaced.push(other);
            }
        }
        problems.extend(misplaced.into_iter().map(|misplaced| misplaced.problem));
        aliases::apply(&mut read);
        let schema = match unknown_fields {
            UnknownFields::Refused => {
                aliases::apply(&mut written);
                written_fields::add(&mut read, &written);
                closing::close(&read)
            }
            UnknownFields::Ignored => {
                closing::open(&mut read);
                read
            }
        };
        let validator = formats::options()
            .build(&schema)
            .map_err(|error| format!("at `{}`: {error}", error.instance_path()))?;
        Ok(Self { name, schema, validator, explainer: Explainer::default(), parse, max_bytes })
    }

    /// The schema as JSON.
    pub(crate) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Validates a serialized value, and checks that its type reads it back ([r19](crate::rules#r19)). Returns its text, and the value that was
    /// read from it.
    pub(crate) fn admit(&self, written: Result<Written, NotStorable>) -> Result<(Json, AnyValue), Failure> {
        let written = written.map_err(|error| self.not_storable(error))?;
        let value = written.value();
        if written.is_odd() {
            written.check(&value.to_string()).map_err(|error| self.not_storable(error))?;
        }
        let text = self.check(value)?;
        let read = written.check(text.as_str()).map_err(|error| self.not_storable(error))?;
        Ok((text, read))
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
            let value = text.value().unwrap_or_default();
            let mut violations = refusals(&self.schema, &value, self.parse);
            if violations.is_empty() {
                violations.push(Violation::at("", "unreadable", without_position(&error)));
            }
            self.invalid(violations)
        })
    }

    /// Validates a value. If it is invalid, what its type refuses is reported, too.
    fn validate(&self, value: &Value) -> Result<(), Failure> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let mut violations = self.explainer.violations(&self.schema, value);
        violations.add_refusals(|| refusals(&self.schema, value, self.parse));
        Err(self.invalid(violations.into_list()))
    }

    fn invalid(&self, violations: Vec<Violation>) -> Failure {
        Failure::from_violations(FailureKind::Invalid, format!("`{}` is invalid", self.name), violations)
    }
}

impl fmt::Debug for InputSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InputSchema({})", self.name)
    }
}

fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(values) => levels > 0 && values.iter().all(|value| is_within(value, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|value| is_within(value, levels - 1)),
        _ => true,
    }
}
