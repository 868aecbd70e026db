//! The names by which a type is also read: serde's `alias` of fields and variants, and `other`.
//!
//! schemars does not know them. The attributes write them into the schema as keywords, of which this module makes names.

use serde_json::{Map, Value, json};

/// The other names of a field, in its schema.
const ALIASES: &str = "x-enact-aliases";

/// The other names of a variant, in its schema: `{ "tag": …, "aliases": […], "other": … }`.
const VARIANT: &str = "x-enact-variant";

/// Replaces the keywords of the attributes by the names that they stand for.
pub(super) fn apply(schema: &mut Value) {
    match schema {
        Value::Array(values) => values.iter_mut().for_each(apply),
        Value::Object(keywords) => {
            keywords.values_mut().for_each(apply);
            for union in ["oneOf", "anyOf"] {
                if let Some(Value::Array(branches)) = keywords.get_mut(union) {
                    name_variants(branches);
                }
            }
            name_fields(keywords);
        }
        _ => {}
    }
}

/// Adds the other names of the fields of an object.
fn name_fields(keywords: &mut Map<String, Value>) {
    let Some(Value::Object(fields)) = keywords.get_mut("properties") else { return };
    let take = |(name, schema): (&String, &mut Value)| {
        let aliases = schema.as_object_mut()?.remove(ALIASES)?;
        Some((name.clone(), texts(&aliases), schema.clone()))
    };
    let named: Vec<_> = fields.iter_mut().filter_map(take).collect();
    for (name, aliases, schema) in named {
        add_names(keywords, &name, &aliases, &schema);
    }
}

/// Accepts a field by other names. A required one is required by one of its names.
fn add_names(keywords: &mut Map<String, Value>, name: &str, aliases: &[String], schema: &Value) {
    if let Some(Value::Object(fields)) = keywords.get_mut("properties") {
        for alias in aliases {
            fields.entry(alias).or_insert_with(|| schema.clone());
        }
    }
    let Some(Value::Array(required)) = keywords.get_mut("required") else { return };
    let count = required.len();
    required.retain(|required| required != name);
    if required.len() < count {
        let names = [name].into_iter().chain(aliases.iter().map(String::as_str));
        let names: Vec<_> = names.map(|name| json!({ "required": [name] })).collect();
        if let Value::Array(parts) = keywords.entry("allOf").or_insert_with(|| json!([])) {
            parts.push(json!({ "anyOf": names }));
        }
    }
}

/// Adds the other names of the variants of an enum.
fn name_variants(branches: &mut [Value]) {
    let mut others = None;
    for (index, branch) in branches.iter_mut().enumerate() {
        let Some(mark) = branch.as_object_mut().and_then(|keywords| keywords.remove(VARIANT)) else {
            continue;
        };
        let tag = mark["tag"].as_str().map(str::to_owned);
        if mark["other"] == true {
            others = Some((index, tag));
        } else if let Some(keywords) = branch.as_object_mut() {
            name_variant(keywords, tag.as_deref(), &texts(&mark["aliases"]));
        }
    }
    let Some((index, tag)) = others else { return };
    let siblings = branches.iter().enumerate().filter(|(sibling, _)| *sibling != index);
    let names: Vec<_> = siblings.flat_map(|(_, branch)| names_of(branch, tag.as_deref())).collect();
    let any_other = json!({ "type": "string", "not": { "enum": names } });
    match &tag {
        None => branches[index] = any_other,
        Some(tag) => {
            if let Some(schema) = branches[index].get_mut("properties").and_then(|fields| fields.get_mut(tag))
            {
                *schema = any_other;
            }
        }
    }
}

fn name_variant(keywords: &mut Map<String, Value>, tag: Option<&str>, aliases: &[String]) {
    if let Some(tag) = tag {
        let tag = keywords.get_mut("properties").and_then(|fields| fields.get_mut(tag));
        if let Some(Value::Object(tag)) = tag {
            name_constant(tag, aliases);
        }
    } else if keywords.contains_key("const") {
        name_constant(keywords, aliases);
    } else {
        // `{ "Variant": … }`
        let fields = keywords.get("properties").and_then(Value::as_object);
        let only = fields.and_then(|fields| fields.iter().next());
        if let Some((name, schema)) = only.map(|(name, schema)| (name.clone(), schema.clone())) {
            add_names(keywords, &name, aliases, &schema);
        }
    }
}

/// Accepts other values for a constant.
fn name_constant(keywords: &mut Map<String, Value>, aliases: &[String]) {
    if let Some(name) = keywords.remove("const") {
        let names = [name].into_iter().chain(aliases.iter().map(|alias| json!(alias)));
        keywords.insert("enum".to_owned(), names.collect());
    }
}

/// The values of the tag of a variant, or of the variant itself.
fn names_of(branch: &Value, tag: Option<&str>) -> Vec<Value> {
    let schema = match tag {
        Some(tag) => &branch["properties"][tag],
        None => branch,
    };
    match (schema.get("const"), schema.get("enum").and_then(Value::as_array)) {
        (Some(name), _) => vec![name.clone()],
        (None, Some(names)) => names.clone(),
        (None, None) => Vec::new(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
