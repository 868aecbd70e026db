//! Which fields a schema accepts: those of its type and no others, or any.
//!
//! schemars describes an object by one schema or by several: flattened fields, the content of a tagged variant. The fields of one
//! part are unknown to the others, so an object is closed as a whole, in the place where it stands, and its parts stay open.

use serde_json::{Map, Value, json};

use crate::domain::pointer_of;

type Keywords = Map<String, Value>;

/// Refuses unknown fields at every depth, except where a schema says itself which further fields it accepts.
///
/// A definition that describes a whole object in one place and a part of one in another is copied, and only the former is closed.
pub(super) fn close(schema: &Value) -> Value {
    let mut closing = Closing { root: schema, copies: Vec::new() };
    let mut closed = closing.convert(schema, Role::Whole);
    let Value::Object(keywords) = &mut closed else { return closed };
    if !describes_fields(keywords)
        && !IN_PLACE.iter().chain(&["$ref"]).any(|keyword| keywords.contains_key(*keyword))
    {
        // A command is a struct. Of one without fields schemars says only that it is an object.
        keywords.insert("properties".to_owned(), json!({}));
        keywords.insert("additionalProperties".to_owned(), json!(false));
    }
    let mut copied = 0;
    while let Some(Copy { name, pointer, role }) = closing.copies.get(copied).cloned() {
        copied += 1;
        let mut definition = schema.pointer(&pointer).cloned().unwrap_or_default();
        if let (Value::Object(keywords), true) = (&mut definition, pointer.is_empty()) {
            keywords.retain(|keyword, _| !["$defs", "$schema"].contains(&keyword.as_str()));
        }
        let definition = closing.convert(&definition, role);
        if let Value::Object(definitions) = keywords.entry("$defs").or_insert_with(|| json!({})) {
            definitions.insert(name, definition);
        }
    }
    closed
}

/// Accepts unknown fields at every depth, unless the type refuses them.
pub(super) fn open(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    for keyword in CLOSERS {
        if keywords.get(keyword) == Some(&Value::Bool(false)) {
            keywords.remove(keyword);
        }
    }
    // Alternatives that differ in the fields that they refuse are exclusive no longer.
    if !keywords.contains_key("anyOf")
        && let Some(branches) = keywords.remove("oneOf")
    {
        keywords.insert("anyOf".to_owned(), branches);
    }
    for_each_subschema(keywords, &mut |_, subschema| open(subschema));
}

/// What a schema describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A value, alone.
    Whole,
    /// A value, together with other schemas.
    Part,
    /// An object, together with other schemas.
    PartOfObject,
}

/// The copy of a definition in another role.
#[derive(Clone)]
struct Copy {
    name: String,
    pointer: String,
    role: Role,
}

struct Closing<'a> {
    root: &'a Value,
    copies: Vec<Copy>,
}

impl Closing<'_> {
    fn convert(&mut self, schema: &Value, role: Role) -> Value {
        let Value::Object(keywords) = schema else { return schema.clone() };
        let mut keywords = match unit_variants(keywords) {
            Some(fields) if role == Role::PartOfObject => fields,
            _ => keywords.clone(),
        };
        let is_open =
            CLOSERS.iter().any(|keyword| keywords.get(*keyword).is_some_and(|other| *other != false));
        let is_object = describes_object(self.root, &keywords, MAX_IN_PLACE);
        let in_place = role_in_place(&keywords, role);
        self.rename_reference(&mut keywords, in_place);
        for_each_subschema(&mut keywords, &mut |is_in_place, subschema| {
            *subschema = self.convert(subschema, if is_in_place { in_place } else { Role::Whole });
        });
        if role != Role::Whole {
            keywords.retain(|keyword, value| !CLOSERS.contains(&keyword.as_str()) || *value != false);
        } else if !is_open && in_place != Role::Whole && is_object {
            keywords.remove("additionalProperties");
            keywords.insert("unevaluatedProperties".to_owned(), json!(false));
        } else if !is_open && in_place == Role::Whole && describes_fields(&keywords) {
            keywords.insert("additionalProperties".to_owned(), json!(false));
            // jsonschema names the unknown field only if `properties` is present.
            keywords.entry("properties").or_insert_with(|| json!({}));
        }
        Value::Object(keywords)
    }

    /// Lets a reference in the role of a part refer to a copy of its target.
    fn rename_reference(&mut self, keywords: &mut Keywords, role: Role) {
        let suffix = match role {
            Role::Whole => return,
            Role::Part => "-part",
            Role::PartOfObject => "-fields",
        };
        let Some(Value::String(reference)) = keywords.get_mut("$ref") else { return };
        let Some(pointer) = pointer_of(reference) else { return };
        let name = match pointer.strip_prefix("/$defs/") {
            Some(name) if !name.contains('/') => name.replace("~1", "/").replace("~0", "~") + suffix,
            _ if pointer.is_empty() => suffix.trim_start_matches('-').to_owned(),
            _ => return,
        };
        *reference =
            if pointer.is_empty() { format!("#/$defs/{name}") } else { format!("{reference}{suffix}") };
        if self.copies.iter().all(|copy| copy.name != name) {
            self.copies.push(Copy { name, pointer, role });
        }
    }
}

/// The role of the schemas that describe the same value as this one. A mere reference and a mere union leave it to them to describe
/// the whole.
fn role_in_place(keywords: &Keywords, role: Role) -> Role {
    let says_object = keywords.get("type").is_some_and(|name| name == "object");
    let composing = IN_PLACE.iter().chain(&["$ref", "if", "dependentSchemas"]);
    let composing: Vec<_> = composing.filter(|keyword| keywords.contains_key(**keyword)).collect();
    let leaves_it = match *composing {
        [] => true,
        [only] => ["anyOf", "oneOf", "$ref"].contains(only) && !says_object && !describes_fields(keywords),
        _ => false,
    };
    match role {
        Role::Whole if leaves_it => Role::Whole,
        Role::Whole | Role::Part if !says_object => Role::Part,
        _ => Role::PartOfObject,
    }
}

/// Whether any schema that describes the value describes an object.
fn describes_object(root: &Value, keywords: &Keywords, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let of = |schema: &Value| schema.as_object().is_some_and(|part| describes_object(root, part, depth));
    let reference = keywords.get("$ref").and_then(Value::as_str).and_then(pointer_of);
    describes_fields(keywords)
        || keywords.get("type").is_some_and(|name| name == "object")
        || reference.and_then(|pointer| root.pointer(&pointer)).is_some_and(of)
        || IN_PLACE.iter().any(|keyword| match keywords.get(*keyword) {
            Some(Value::Array(schemas)) => schemas.iter().any(of),
            Some(schema) => of(schema),
            None => false,
        })
}

/// The limit of schemas within each other that describe one value.
const MAX_IN_PLACE: usize = 64;

/// The keywords that refuse unknown fields if they are `false`.
const CLOSERS: [&str; 2] = ["additionalProperties", "unevaluatedProperties"];

/// The keywords whose schemas describe the same value.
const IN_PLACE: [&str; 5] = ["allOf", "anyOf", "oneOf", "then", "else"];

fn describes_fields(keywords: &Keywords) -> bool {
    let fields = ["properties", "patternProperties", "additionalProperties", "unevaluatedProperties"];
    fields.iter().any(|keyword| keywords.contains_key(*keyword))
}

/// The variants without fields of an enum, as serde writes them if the enum is flattened: as fields that are `null`.
fn unit_variants(keywords: &Keywords) -> Option<Keywords> {
    let field = |name: &Value| {
        let name = name.as_str()?;
        Some(json!({ "type": "object", "properties": { name: { "type": "null" } }, "required": [name] }))
    };
    if keywords.get("type")? != "string" {
        return None;
    }
    let names = match (keywords.get("const"), keywords.get("enum")) {
        (Some(name), _) => vec![name],
        (None, Some(names)) => names.as_array()?.iter().collect(),
        (None, None) => return None,
    };
    let variants: Vec<_> = names.into_iter().filter_map(field).collect();
    Some(Map::from_iter([("oneOf".to_owned(), Value::Array(variants))]))
}

/// Calls `act` with each subschema, and whether it describes the same value. Left out are those that say what a value is not, and
/// conditions.
fn for_each_subschema(keywords: &mut Keywords, act: &mut impl FnMut(bool, &mut Value)) {
    for (keyword, value) in keywords {
        let is_in_place = IN_PLACE.contains(&keyword.as_str()) || keyword == "dependentSchemas";
        match (keyword.as_str(), value) {
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                for schema in schemas {
                    act(is_in_place, schema);
                }
            }
            ("properties" | "$defs" | "patternProperties" | "dependentSchemas", Value::Object(schemas)) => {
                for schema in schemas.values_mut() {
                    act(is_in_place, schema);
                }
            }
            ("then" | "else" | "items" | "additionalProperties" | "unevaluatedProperties", schema) => {
                act(is_in_place, schema);
            }
            _ => {}
        }
    }
}
