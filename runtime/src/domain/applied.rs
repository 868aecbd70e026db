//! A JSON Schema applied to a value: which of its parts describe the value.
//!
//! A schema describes one value by several subschemas: a `$ref`, the branches of an `allOf`, the branch of a `oneOf` or `anyOf`
//! that is meant. A validator says whether a value is valid. This module says what is known about it even if it is not.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The limit of subschemas within each other that describe one value. Only a schema that refers to itself without a value in between
/// exceeds it.
const MAX_IN_PLACE: usize = 64;

/// The subschemas that describe one value.
pub(crate) struct Applied<'a> {
    root: &'a Value,
    parts: Vec<&'a Map<String, Value>>,
}

impl<'a> Applied<'a> {
    /// The parts of `schema`, which is a subschema of `root`, that describe the value.
    pub(crate) fn new(root: &'a Value, schema: &'a Value, value: &Value) -> Self {
        let mut applied = Self { root, parts: Vec::new() };
        applied.add(schema, value, MAX_IN_PLACE);
        applied
    }

    fn add(&mut self, schema: &'a Value, value: &Value, depth: usize) {
        let (Value::Object(keywords), Some(depth)) = (schema, depth.checked_sub(1)) else { return };
        self.parts.push(keywords);
        if let Some(target) = target(self.root, keywords) {
            self.add(target, value, depth);
        }
        for branch in list(keywords, "allOf") {
            self.add(branch, value, depth);
        }
        for union in UNIONS {
            let branches = list(keywords, union);
            for index in fitting(self.root, branches, value) {
                self.add(&branches[index], value, depth);
            }
        }
    }

    /// The parts that describe a field of the object.
    pub(crate) fn field(&self, name: &str, value: &Value) -> Self {
        let named = |keywords: &&'a Map<String, Value>| keywords.get("properties")?.get(name);
        let mut schemas: Vec<_> = self.parts.iter().filter_map(named).collect();
        if schemas.is_empty() {
            let others = |keywords: &&'a Map<String, Value>| keywords.get("additionalProperties");
            schemas.extend(self.parts.iter().filter_map(others));
            let patterns = |keywords: &&'a Map<String, Value>| keywords.get("patternProperties")?.as_object();
            schemas.extend(self.parts.iter().filter_map(patterns).flat_map(Map::values));
        }
        self.of(schemas, value)
    }

    /// The parts that describe an element of the array.
    pub(crate) fn element(&self, index: usize, value: &Value) -> Self {
        let at = |keywords: &&'a Map<String, Value>| {
            let positional = keywords.get("prefixItems").and_then(|schemas| schemas.get(index));
            positional.or_else(|| keywords.get("items"))
        };
        self.of(self.parts.iter().filter_map(at).collect(), value)
    }

    fn of(&self, schemas: Vec<&'a Value>, value: &Value) -> Self {
        let mut applied = Self { root: self.root, parts: Vec::new() };
        for schema in schemas {
            applied.add(schema, value, MAX_IN_PLACE);
        }
        applied
    }

    /// Whether any part has the field, by its name or because it accepts any.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        let accepts_any = |keywords: &&Map<String, Value>| {
            let others = ["additionalProperties", "unevaluatedProperties", "patternProperties"];
            others.iter().any(|others| keywords.get(*others).is_some_and(|schema| *schema != false))
        };
        let declares = |keywords: &&Map<String, Value>| {
            keywords.get("properties").is_some_and(|declared| declared.get(name).is_some())
        };
        self.parts.iter().any(|keywords| declares(keywords) || accepts_any(keywords))
    }

    /// The names of the object's fields, sorted.
    pub(crate) fn fields(&self) -> BTreeSet<&'a str> {
        let named = |keywords: &&'a Map<String, Value>| keywords.get("properties")?.as_object();
        self.parts.iter().filter_map(named).flat_map(Map::keys).map(String::as_str).collect()
    }

    /// Whether the array is a set, whose elements have no order: every part that describes it as an array says that they are unique.
    pub(crate) fn is_set(&self) -> bool {
        let is_array = |keywords: &&&Map<String, Value>| {
            keywords.get("type").is_some_and(|types| has_type(types, &Value::Array(Vec::new())))
        };
        let mut arrays = self.parts.iter().filter(is_array).peekable();
        arrays.peek().is_some()
            && arrays.all(|keywords| keywords.get("uniqueItems") == Some(&Value::Bool(true)))
    }

    /// Whether the array's elements have a schema for each position.
    pub(crate) fn is_tuple(&self) -> bool {
        self.parts.iter().any(|keywords| keywords.contains_key("prefixItems"))
    }
}

/// The keywords of which one branch describes a value.
pub(crate) const UNIONS: [&str; 2] = ["anyOf", "oneOf"];

/// The list of a keyword such as `oneOf`.
pub(crate) fn list<'a>(keywords: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    keywords.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The schema that `$ref` names, if it is in the same document.
pub(crate) fn target<'a>(root: &'a Value, keywords: &Map<String, Value>) -> Option<&'a Value> {
    root.pointer(&pointer_of(keywords.get("$ref")?.as_str()?)?)
}

/// The JSON pointer of a reference into the same document.
pub(crate) fn pointer_of(reference: &str) -> Option<String> {
    let mut rest = reference.strip_prefix('#')?.as_bytes();
    let mut pointer = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let encoded = after.get(..2).filter(|_| byte == b'%').and_then(|hex| str::from_utf8(hex).ok());
        if let Some(decoded) = encoded.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            pointer.push(decoded);
            rest = &after[2..];
        } else {
            pointer.push(byte);
            rest = after;
        }
    }
    String::from_utf8(pointer).ok()
}

/// How well a schema fits a value, judged by what tells alternatives apart: the type of the value, the tag and the names of the fields.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The value is of another type.
    None,
    /// The value has another tag, or is none of those listed.
    Mistagged,
    /// A required field is missing.
    Partly,
    Whole,
}

/// The branches of a union that a value is meant for: those that fit best.
pub(crate) fn fitting(root: &Value, branches: &[Value], value: &Value) -> Vec<usize> {
    let fits: Vec<_> = branches.iter().map(|branch| fit(root, branch, value, MAX_IN_PLACE)).collect();
    let best = fits.iter().copied().max().unwrap_or(Fit::None);
    let is_best = |fit: Fit| fit == best && fit > Fit::None;
    fits.iter().enumerate().filter(|(_, fit)| is_best(**fit)).map(|(index, _)| index).collect()
}

fn fit(root: &Value, schema: &Value, value: &Value, depth: usize) -> Fit {
    let Value::Object(keywords) = schema else {
        return if *schema == Value::Bool(false) { Fit::None } else { Fit::Whole };
    };
    let Some(depth) = depth.checked_sub(1) else { return Fit::None };
    let of = |schema| fit(root, schema, value, depth);
    let mut fits = vec![fit_own(keywords, value)];
    fits.extend(target(root, keywords).map(of));
    fits.extend(list(keywords, "allOf").iter().map(of));
    for union in UNIONS {
        fits.extend(list(keywords, union).iter().map(of).max());
    }
    fits.into_iter().min().unwrap_or(Fit::Whole)
}

/// How well a value fits the keywords of a schema itself.
fn fit_own(keywords: &Map<String, Value>, value: &Value) -> Fit {
    let is_of_type = keywords.get("type").is_none_or(|types| has_type(types, value));
    let schemas = keywords.get("properties").and_then(Value::as_object).into_iter().flatten();
    let tags = schemas.filter_map(|(name, schema)| Some(fit_listed(schema.as_object()?, value.get(name)?)));
    let lacks = |name: &Value| value.get(name.as_str().unwrap_or_default()).is_none();
    let is_incomplete = value.is_object() && list(keywords, "required").iter().any(lacks);
    let of_type = if is_of_type { Fit::Whole } else { Fit::None };
    let complete = if is_incomplete { Fit::Partly } else { Fit::Whole };
    tags.chain([of_type, complete, fit_listed(keywords, value)]).min().unwrap_or(Fit::Whole)
}

/// How well a value fits the values that a schema lists.
fn fit_listed(keywords: &Map<String, Value>, value: &Value) -> Fit {
    let lists = |values: &Value| values.as_array().is_some_and(|values| values.contains(value));
    let is_listed = keywords.get("const").is_none_or(|constant| constant == value)
        && keywords.get("enum").is_none_or(lists)
        && !keywords.get("not").and_then(|others| others.get("enum")).is_some_and(lists);
    if is_listed { Fit::Whole } else { Fit::Mistagged }
}

fn has_type(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(_) => name == "number" || name == "integer",
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    match types {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    }
}
