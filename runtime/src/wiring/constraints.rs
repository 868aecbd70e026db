//! The constraints of fields, such as `#[schemars(length(…))]`: applied to what a field refers to, and reported if they are for other
//! types.
//!
//! schemars inserts a constraint only if the schema of the field itself names a type that it is for. It drops it silently for a newtype,
//! whose schema is a reference, and for other types. The attributes write all constraints into the schema, with their places in the
//! source.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::formats;
use super::problem::Problem;
use crate::domain::{UNIONS, list, target};
use crate::model::Source;

/// The constraints of a field, in its schema: `{ "file": …, "line": …, "field": …, "rules": […] }`.
const CONSTRAINTS: &str = "x-enact-constraints";

/// A constraint for other types than that of its field.
pub(super) struct Misplaced {
    pub(super) problem: Problem,
    constraint: String,
}

impl Misplaced {
    /// Whether both are about one constraint of one field.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.problem.source() == other.problem.source() && self.constraint == other.constraint
    }
}

/// Takes the constraints of the attributes out of a schema, and applies them.
pub(super) fn apply(schema: &mut Value) -> Vec<Misplaced> {
    let root = schema.clone();
    let mut misplaced = Vec::new();
    apply_within(&root, schema, &mut misplaced);
    misplaced
}

fn apply_within(root: &Value, schema: &mut Value, misplaced: &mut Vec<Misplaced>) {
    match schema {
        Value::Array(values) => values.iter_mut().for_each(|value| apply_within(root, value, misplaced)),
        Value::Object(keywords) => {
            let field = keywords.remove(CONSTRAINTS);
            keywords.values_mut().for_each(|value| apply_within(root, value, misplaced));
            if let Some(field) = field {
                Constrained { root, field: &field, misplaced }.apply_all(&field["rules"], keywords);
            }
        }
        _ => {}
    }
}

/// A field with constraints.
struct Constrained<'a> {
    root: &'a Value,
    field: &'a Value,
    misplaced: &'a mut Vec<Misplaced>,
}

impl Constrained<'_> {
    fn apply_all(&mut self, rules: &Value, schema: &mut Map<String, Value>) {
        let types = Types::of(self.root, schema);
        for rule in rules.as_array().into_iter().flatten() {
            self.apply(rule, &types, schema);
        }
    }

    fn apply(&mut self, rule: &Value, types: &Types, schema: &mut Map<String, Value>) {
        let name = rule["name"].as_str().unwrap_or_default();
        match name {
            "length" => {
                self.check(name, types, &["string", "array", "map"]);
                for (ty, suffix) in [("string", "Length"), ("array", "Items"), ("map", "Properties")] {
                    if types.has(ty) {
                        insert_bounds(schema, rule, suffix);
                    }
                }
            }
            "range" => {
                self.check(name, types, &["number"]);
                if types.has("number") {
                    insert_bounds(schema, rule, "imum");
                }
            }
            "pattern" | "regex" | "contains" => {
                self.check(name, types, &["string"]);
                let text = rule["text"].as_str().filter(|_| types.has("string"));
                if let Some(text) = text.filter(|_| !schema.contains_key("pattern")) {
                    let pattern = if name == "contains" { escaped(text) } else { text.to_owned() };
                    schema.insert("pattern".to_owned(), Value::from(pattern));
                }
            }
            "inner" => {
                self.check(name, types, &["array"]);
                if types.has("array") {
                    let mut items = Map::from_iter([("anyOf".to_owned(), json!(types.items))]);
                    self.apply_all(&rule["rules"], &mut items);
                    items.remove("anyOf");
                    insert_into_items(schema, items);
                }
            }
            "extend" => {
                for keyword in rule["keywords"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    let value = schema.get(keyword).and_then(Value::as_str);
                    self.check(keyword, types, types_of(keyword, value));
                }
            }
            _ => self.check(name, types, &["string"]),
        }
    }

    /// Reports a constraint if it is for none of the types.
    fn check(&mut self, constraint: &str, types: &Types, admitted: &[&'static str]) {
        if admitted.is_empty() || admitted.iter().any(|ty| types.has(ty)) {
            return;
        }
        let field = self.field["field"].as_str().unwrap_or_default();
        let message = format!(
            "the constraint `{constraint}` of `{field}` would never be checked: it is for {}, and the value is {} in JSON; {}",
            joined(admitted.iter().map(|ty| plural(ty)), "and"),
            joined(types.names.iter().map(|ty| singular(ty)), "or"),
            advice(types.names.first().copied().unwrap_or_default()),
        );
        let problem = Problem::new(self.source(), message);
        self.misplaced.push(Misplaced { problem, constraint: constraint.to_owned() });
    }

    /// Leaks the name of the file: a problem ends the start of a program.
    fn source(&self) -> Source {
        let file = self.field["file"].as_str().unwrap_or_default().to_owned().leak();
        let line = self.field["line"].as_u64().and_then(|line| line.try_into().ok());
        Source { file, line: line.unwrap_or_default() }
    }
}

/// The types of a value in JSON, except `null`, by its schema.
#[derive(Default)]
struct Types {
    /// A map is an object of any fields, a tuple an array with a schema for each element.
    names: BTreeSet<&'static str>,
    /// The schemas of the elements of arrays.
    items: Vec<Value>,
}

impl Types {
    fn of(root: &Value, schema: &Map<String, Value>) -> Self {
        let mut types = Self::default();
        types.add(root, schema, &mut BTreeSet::new());
        types
    }

    /// Whether the value may be of this type. Without a known type it may be of any.
    fn has(&self, ty: &str) -> bool {
        self.names.contains(ty)
            || self.names.is_empty()
            || ty == "number" && self.names.contains("integer")
            || ty == "object" && self.names.contains("map")
    }

    /// Adds the types of a schema, or else those of the schemas that it consists of.
    fn add<'a>(&mut self, root: &'a Value, schema: &'a Map<String, Value>, seen: &mut BTreeSet<&'a str>) {
        let names: Vec<_> = match schema.get("type") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(name) => Vec::from_iter(name.as_str()),
            None => Vec::new(),
        };
        for name in &names {
            self.names.extend(type_of(name, schema));
            self.items.extend(schema.get("items").filter(|_| *name == "array").cloned());
        }
        let reference = schema.get("$ref").and_then(Value::as_str);
        if !names.is_empty() || reference.is_some_and(|reference| !seen.insert(reference)) {
            return;
        }
        let parts = ["allOf"].iter().chain(&UNIONS).flat_map(|keyword| list(schema, keyword));
        for part in target(root, schema).into_iter().chain(parts).filter_map(Value::as_object) {
            self.add(root, part, seen);
        }
    }
}

fn type_of(name: &str, schema: &Map<String, Value>) -> Option<&'static str> {
    let has = |keyword| schema.get(keyword).is_some_and(|value| *value != false);
    Some(match name {
        "array" if has("prefixItems") && !has("items") => "tuple",
        "object" if !has("properties") && (has("additionalProperties") || has("patternProperties")) => "map",
        "null" => return None,
        _ => *["array", "boolean", "integer", "number", "object", "string"].iter().find(|ty| **ty == name)?,
    })
}

/// The types that a keyword is for; none if it is for all.
fn types_of(keyword: &str, value: Option<&str>) -> &'static [&'static str] {
    match keyword {
        "format" if value.is_none_or(|format| !formats::is_enforced(format)) => &[],
        "minLength" | "maxLength" | "pattern" | "format" => &["string"],
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => &["number"],
        "minItems" | "maxItems" | "uniqueItems" | "items" | "prefixItems" | "contains" | "minContains"
        | "maxContains" => &["array", "tuple"],
        "minProperties"
        | "maxProperties"
        | "required"
        | "properties"
        | "patternProperties"
        | "additionalProperties"
        | "propertyNames" => &["object"],
        _ => &[],
    }
}

/// Inserts the bounds of a `length` or a `range`, unless schemars has.
fn insert_bounds(schema: &mut Map<String, Value>, rule: &Value, suffix: &str) {
    for bound in ["min", "max"] {
        let value = [&rule[bound], &rule["equal"]].into_iter().find(|value| value.is_number());
        if let Some(value) = value {
            schema.entry(format!("{bound}{suffix}")).or_insert_with(|| value.clone());
        }
    }
}

fn insert_into_items(schema: &mut Map<String, Value>, keywords: Map<String, Value>) {
    if keywords.is_empty() {
        return;
    }
    let items = schema.entry("items").or_insert_with(|| json!({}));
    if !items.is_object() {
        *items = json!({});
    }
    for (keyword, value) in keywords {
        if let Value::Object(items) = items {
            items.entry(keyword).or_insert(value);
        }
    }
}

/// A text as a regular expression that it is found by.
fn escaped(text: &str) -> String {
    let is_special = |char: char| !char.is_alphanumeric() && char.is_ascii() && !char.is_ascii_control();
    let escape = |char| is_special(char).then_some('\\').into_iter().chain([char]);
    text.chars().flat_map(escape).collect()
}

fn singular(ty: &str) -> &str {
    match ty {
        "array" => "an array",
        "boolean" => "a boolean",
        "integer" => "an integer",
        "map" => "a map",
        "number" => "a number",
        "object" => "an object",
        "string" => "a string",
        "tuple" => "a tuple",
        other => other,
    }
}

fn plural(ty: &str) -> &str {
    match ty {
        "array" => "arrays",
        "map" => "maps",
        "number" => "numbers",
        "object" => "objects",
        "string" => "strings",
        "tuple" => "tuples",
        other => other,
    }
}

/// What to do about a constraint that is for other types than this one.
fn advice(ty: &str) -> &'static str {
    match ty {
        "array" => "use `length`, or `inner(…)` for its elements, or remove it",
        "integer" | "number" => "use `range`, or remove it",
        "map" => "use `length`, or remove it",
        "string" => {
            "use `length` or `pattern`, or remove it and check the value in its type or in the handler"
        }
        _ => "remove it, and check the value in its type or in the handler",
    }
}

fn joined<'a>(words: impl Iterator<Item = &'a str>, last: &str) -> String {
    let words: Vec<_> = words.collect();
    match &*words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [others @ .., end] => format!("{} {last} {end}", others.join(", ")),
    }
}
