//! Why a value is invalid: each violation at its JSON pointer, and with what to do.
//!
//! A validator reports of a union only that no branch is valid, and why each is not, which multiplies with each level of nesting. This
//! module walks through the value and the schema together, and follows the branch that is meant. The keywords that are about a
//! value alone are left to the validator.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::formats;
use super::pointer::Path;
use crate::domain::{Applied, UNIONS, fitting, list, target};
use crate::model::Violation;

/// Longer values are not quoted in messages.
const MAX_QUOTED_BYTES: usize = 80;

/// The number of violations that are listed. Further ones are counted.
pub(super) const MAX_VIOLATIONS: usize = 100;

/// The violations of a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Violations {
    listed: Vec<Violation>,
    more: usize,
}

impl Violations {
    fn one(violation: Violation) -> Self {
        Self { listed: vec![violation], more: 0 }
    }

    fn add(&mut self, violation: impl FnOnce() -> Violation) {
        if self.listed.len() < MAX_VIOLATIONS {
            self.listed.push(violation());
        } else {
            self.more += 1;
        }
    }

    fn extend(&mut self, others: &Self) {
        for violation in &others.listed {
            self.add(|| violation.clone());
        }
        self.more += others.more;
    }

    /// Adds what a type refuses, except where a violation is known already.
    pub(super) fn add_refusals(&mut self, refusals: impl FnOnce() -> Vec<Violation>) {
        if self.more > 0 {
            return;
        }
        let known: Vec<_> = self.listed.iter().filter_map(Violation::pointer).map(str::to_owned).collect();
        let is_inside = |one: &str, other: &str| {
            one.strip_prefix(other).is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        for refusal in refusals() {
            let at = refusal.pointer().unwrap_or_default();
            if !known.iter().any(|known| is_inside(at, known) || is_inside(known, at)) {
                self.add(|| refusal);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// As a list, whose last one says how many are left out.
    pub(super) fn into_list(mut self) -> Vec<Violation> {
        if self.more > 0 {
            let message = format!("{} more violations are not listed", self.more);
            self.listed.push(Violation::at("", "more_violations", message));
        }
        self.listed
    }
}

/// A schema, by which the violations of a value are found.
#[derive(Default)]
pub(super) struct Explainer {
    /// The validators of the keywords that are about a value alone, by the address of their schema. Compiled when they are needed.
    validators: Mutex<HashMap<usize, Option<Arc<Validator>>>>,
    patterns: Mutex<HashMap<String, Option<Validator>>>,
}

impl Explainer {
    /// The violations of a value that is invalid. `schema` is always the same.
    pub(super) fn violations(&self, schema: &Value, value: &Value) -> Violations {
        let mut walk = Walk { explainer: self, root: schema, known: HashMap::new() };
        let found = walk.of(schema, value, &Path::Root);
        if found.is_empty() {
            return Violations::one(Violation::at("", "schema", "it does not match its schema"));
        }
        (*found).clone()
    }

    /// Whether a name matches the pattern of `patternProperties`.
    fn matches(&self, pattern: &str, name: &str) -> bool {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || formats::options().build(&json!({ "pattern": pattern })).ok();
        let compiled = patterns.entry(pattern.to_owned()).or_insert_with(compile);
        compiled.as_ref().is_some_and(|pattern| pattern.is_valid(&Value::from(name)))
    }

    fn validator(
        &self,
        root: &Value,
        schema: &Value,
        keywords: &Map<String, Value>,
    ) -> Option<Arc<Validator>> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || compile(root, keywords).map(Arc::new);
        validators.entry(address(schema)).or_insert_with(compile).clone()
    }
}

/// The validator of the keywords that are about a value alone; `None` if there are none.
fn compile(root: &Value, keywords: &Map<String, Value>) -> Option<Validator> {
    let own = keywords.iter().filter(|(keyword, _)| !WALKED.contains(&keyword.as_str()));
    let mut own: Map<_, _> = own.map(|(keyword, value)| (keyword.clone(), value.clone())).collect();
    if own.is_empty() {
        return None;
    }
    if let Some(definitions) = root.get("$defs").filter(|_| own.values().any(Value::is_object)) {
        own.insert("$defs".to_owned(), definitions.clone());
    }
    formats::options().build(&Value::Object(own)).ok()
}

/// The keywords that the walk follows, and annotations.
const WALKED: [&str; 17] = [
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "description",
    "examples",
    "items",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "properties",
    "title",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Identifies a part of a document that is not changed meanwhile.
fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

struct Walk<'a> {
    explainer: &'a Explainer,
    root: &'a Value,
    /// What is known of a value by a schema, by their addresses.
    known: HashMap<(usize, usize), Rc<Violations>>,
}

impl<'a> Walk<'a> {
    fn of(&mut self, schema: &'a Value, value: &'a Value, at: &Path<'_>) -> Rc<Violations> {
        let key = (address(schema), address(value));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        // A schema that refers to itself adds nothing to itself.
        self.known.insert(key, Rc::default());
        let mut found = Violations::default();
        match schema {
            Value::Object(keywords) => self.by_keywords(schema, keywords, value, at, &mut found),
            Value::Bool(false) => {
                found.add(|| Violation::at(at.to_string(), "false", "no value is accepted here"));
            }
            _ => {}
        }
        let found = Rc::new(found);
        self.known.insert(key, found.clone());
        found
    }

    fn by_keywords(
        &mut self,
        schema: &'a Value,
        keywords: &'a Map<String, Value>,
        value: &'a Value,
        at: &Path<'_>,
        found: &mut Violations,
    ) {
        if let Some(validator) = self.explainer.validator(self.root, schema, keywords) {
            for error in validator.iter_errors(value) {
                found.add(|| of_error(&error, at));
            }
        }
        let also = target(self.root, keywords).into_iter().chain(list(keywords, "allOf"));
        for schema in also {
            let reasons = self.of(schema, value, at);
            found.extend(&reasons);
        }
        for union in UNIONS {
            if keywords.contains_key(union) {
                self.by_union(union, list(keywords, union), value, at, found);
            }
        }
        match value {
            Value::Object(fields) => self.by_fields(schema, keywords, fields, value, at, found),
            Value::Array(elements) => self.by_elements(keywords, elements, at, found),
            _ => {}
        }
    }

    fn by_union(
        &mut self,
        union: &'static str,
        branches: &'a [Value],
        value: &'a Value,
        at: &Path<'_>,
        found: &mut Violations,
    ) {
        let fitting = fitting(self.root, branches, value);
        let reasons: Vec<_> = fitting.iter().map(|index| self.of(&branches[*index], value, at)).collect();
        let valid = reasons.iter().filter(|reason| reason.is_empty()).count();
        match (&*reasons, valid) {
            ([only], _) => found.extend(only),
            (_, 0) => found.add(|| {
                let none = || Violation::at(at.to_string(), union, "it matches none of the alternatives");
                missing_name(branches, at)
                    .or_else(|| unlisted(branches, at))
                    .or_else(|| missing_tag(branches, value, at))
                    .unwrap_or_else(none)
            }),
            (_, 2..) if union == "oneOf" => {
                found.add(|| Violation::at(at.to_string(), union, "it matches several alternatives"));
            }
            _ => {}
        }
    }

    fn by_fields(
        &mut self,
        schema: &'a Value,
        keywords: &'a Map<String, Value>,
        fields: &'a Map<String, Value>,
        value: &'a Value,
        at: &Path<'_>,
        found: &mut Violations,
    ) {
        let declared = keywords.get("properties").and_then(Value::as_object);
        let patterns = keywords.get("patternProperties").and_then(Value::as_object);
        let closing = CLOSING.iter().find_map(|keyword| Some((*keyword, keywords.get(*keyword)?)));
        let whole = OnceCell::new();
        let whole = || whole.get_or_init(|| Applied::new(self.root, schema, value));
        for (name, field) in fields {
            let at = Path::Field(at, name);
            let mut schemas = Vec::from_iter(declared.and_then(|declared| declared.get(name)));
            let matching = patterns.into_iter().flatten();
            schemas
                .extend(matching.filter(|(pattern, _)| self.explainer.matches(pattern, name)).map(|at| at.1));
            if schemas.is_empty()
                && let Some((keyword, others)) = closing
            {
                if keyword == CLOSING[1] && whole().has_field(name) {
                    // A part of the object has it.
                } else if *others == Value::Bool(false) {
                    found.add(|| Violation::at(at.to_string(), keyword, unknown_field(&whole().fields())));
                } else {
                    schemas.push(others);
                }
            }
            for schema in schemas {
                let reasons = self.of(schema, field, &at);
                found.extend(&reasons);
            }
        }
    }

    fn by_elements(
        &mut self,
        keywords: &'a Map<String, Value>,
        elements: &'a [Value],
        at: &Path<'_>,
        found: &mut Violations,
    ) {
        let positional = list(keywords, "prefixItems");
        for (index, element) in elements.iter().enumerate() {
            if let Some(schema) = positional.get(index).or_else(|| keywords.get("items")) {
                let reasons = self.of(schema, element, &Path::Element(at, index));
                found.extend(&reasons);
            }
        }
    }
}

/// The keywords for the fields that are not declared. The second is about the object as a whole.
const CLOSING: [&str; 2] = ["additionalProperties", "unevaluatedProperties"];

fn unknown_field(known: &BTreeSet<&str>) -> String {
    if known.is_empty() {
        return "unknown field; there are no fields here".to_owned();
    }
    let known: Vec<_> = known.iter().map(|field| format!("`{field}`")).collect();
    format!("unknown field; the fields are {}", known.join(", "))
}

/// The values that a schema lists.
fn tag_values(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("const") {
        Some(tag) => tag.as_str().map(|tag| vec![tag]),
        None => schema.get("enum")?.as_array()?.iter().map(Value::as_str).collect(),
    }
}

/// The violation of an object that lacks a field by each of its names.
fn missing_name(branches: &[Value], at: &Path<'_>) -> Option<Violation> {
    let is_name = |branch: &Value| branch.as_object().is_some_and(|keywords| keywords.len() == 1);
    let name = branches.first()?.get("required")?.get(0)?.as_str()?;
    let field = Path::Field(at, name).to_string();
    branches.iter().all(is_name).then(|| Violation::at(field, "required", "this field is required"))
}

/// The violation of a value that is none of those that the branches of a union are.
fn unlisted(branches: &[Value], at: &Path<'_>) -> Option<Violation> {
    let values: Option<Vec<_>> = branches.iter().map(tag_values).collect();
    Some(expected(&values?.concat(), at))
}

/// The violation at the field that tells the branches of a union apart, if it is missing or has none of their values.
fn missing_tag(branches: &[Value], value: &Value, at: &Path<'_>) -> Option<Violation> {
    let first = branches.first()?.get("properties")?.as_object()?;
    let shared = |name: &&String| branches.iter().all(|branch| tag_values_of(branch, name).is_some());
    let name = first.keys().find(shared)?;
    let at = Path::Field(at, name);
    if value.get(name).is_none() {
        return Some(Violation::at(at.to_string(), "required", "this field is required"));
    }
    let values: Vec<_> = branches.iter().filter_map(|branch| tag_values_of(branch, name)).flatten().collect();
    Some(expected(&values, &at))
}

fn expected(values: &[&str], at: &Path<'_>) -> Violation {
    let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
    Violation::at(at.to_string(), "enum", format!("expected one of {}", values.join(", ")))
}

/// The values of a field of a branch that tell it apart.
fn tag_values_of<'a>(branch: &'a Value, name: &str) -> Option<Vec<&'a str>> {
    tag_values(branch.get("properties")?.get(name)?)
}

/// An error of a keyword that is about a value alone.
fn of_error(error: &ValidationError<'_>, at: &Path<'_>) -> Violation {
    let code = error.kind().keyword().to_owned();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let field = Path::Field(at, property.as_str().unwrap_or_default()).to_string();
            Violation::at(field, code, "this field is required")
        }
        _ if is_quotable(error.instance()) => Violation::at(at.to_string(), code, error.to_string()),
        _ => Violation::at(at.to_string(), code, error.masked().to_string()),
    }
}

fn is_quotable(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= MAX_QUOTED_BYTES,
        Value::Array(_) | Value::Object(_) => false,
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
