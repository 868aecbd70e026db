//! Constraints that are for other types than their fields have: `start()` reports all of them, each at its field (r11, r50).
//! Registration is global to a program, so this domain has a test program of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "nothing of this domain ever runs")]

use std::collections::HashMap;

use enact::MemoryStore;
use enact::prelude::*;

#[value]
struct Count(i64);

#[value]
struct Name(String);

#[value]
struct Names(Vec<Name>);

#[value]
struct Point {
    x: i64,
}

#[value]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Flag(bool),
}

// Each field takes two lines: its constraint, and its name.

const FIELDS: u32 = line!() + 3;
#[command]
struct Wrong {
    #[schemars(length(min = 1))]
    integer: i64,
    #[schemars(length(equal = 3))]
    number: f64,
    #[schemars(length(max = 3))]
    flag: bool,
    #[schemars(range(min = 1))]
    text: String,
    #[schemars(range(min = 0))]
    decimal: rust_decimal::Decimal,
    #[schemars(range(max = 9))]
    list: Vec<i64>,
    #[schemars(pattern("^a"))]
    patterned: u32,
    #[schemars(regex(pattern = "^a"))]
    matched: Vec<String>,
    #[schemars(contains("a"))]
    containing: Vec<String>,
    #[schemars(email)]
    address: u8,
    #[schemars(url)]
    link: HashMap<String, String>,
    #[schemars(inner(length(min = 1)))]
    of_integers: Vec<u8>,
    #[schemars(inner(range(min = 1)))]
    of_texts: Option<Vec<Name>>,
    #[schemars(inner(inner(pattern("a"))))]
    of_lists: Vec<Vec<i64>>,
    #[schemars(inner(length(min = 1)))]
    no_list: String,
    #[schemars(length(min = 1))]
    count: Count,
    #[schemars(length(min = 1))]
    optional_count: Option<Count>,
    #[schemars(range(min = 1))]
    name: Option<Name>,
    #[schemars(range(min = 1))]
    names: Names,
    #[schemars(inner(range(min = 1)))]
    of_names: Names,
    #[schemars(length(min = 1))]
    point: Point,
    #[schemars(length(min = 1))]
    untagged: Untagged,
    #[schemars(length(min = 1))]
    pair: (String, String),
    #[schemars(extend("minLength" = 1))]
    extended: Option<i64>,
    #[schemars(extend("format" = "uuid"))]
    formatted: i64,
    #[schemars(extend("maximum" = 1, "maxItems" = 1))]
    twice: String,
    #[schemars(length(min = 1), range(min = 1))]
    both: bool,
}

const CONSTRAINTS: [(&str, &str, &str, &str); 29] = [
    ("integer", "length", "strings, arrays and maps", "an integer"),
    ("number", "length", "strings, arrays and maps", "a number"),
    ("flag", "length", "strings, arrays and maps", "a boolean"),
    ("text", "range", "numbers", "a string"),
    ("decimal", "range", "numbers", "a string"),
    ("list", "range", "numbers", "an array"),
    ("patterned", "pattern", "strings", "an integer"),
    ("matched", "regex", "strings", "an array"),
    ("containing", "contains", "strings", "an array"),
    ("address", "email", "strings", "an integer"),
    ("link", "url", "strings", "a map"),
    ("of_integers", "length", "strings, arrays and maps", "an integer"),
    ("of_texts", "range", "numbers", "a string"),
    ("of_lists", "pattern", "strings", "an integer"),
    ("no_list", "inner", "arrays", "a string"),
    ("count", "length", "strings, arrays and maps", "an integer"),
    ("optional_count", "length", "strings, arrays and maps", "an integer"),
    ("name", "range", "numbers", "a string"),
    ("names", "range", "numbers", "an array"),
    ("of_names", "range", "numbers", "a string"),
    ("point", "length", "strings, arrays and maps", "an object"),
    ("untagged", "length", "strings, arrays and maps", "a boolean or an integer"),
    ("pair", "length", "strings, arrays and maps", "a tuple"),
    ("extended", "minLength", "strings", "an integer"),
    ("formatted", "format", "strings", "an integer"),
    ("twice", "maximum", "numbers", "a string"),
    ("twice", "maxItems", "arrays and tuples", "a string"),
    ("both", "length", "strings, arrays and maps", "a boolean"),
    ("both", "range", "numbers", "a boolean"),
];

#[command]
async fn wrong(_: Wrong) {}

const IN_TUPLE: u32 = line!() + 2;
#[value]
struct Short(#[schemars(length(max = 3))] u8);

const IN_VARIANT: u32 = line!() + 6;
#[value]
#[serde(tag = "kind")]
enum Means {
    Card {
        #[schemars(range(min = 1))]
        number: String,
    },
    Cash,
}

/// It happened.
#[event]
struct Happened {
    by: Vec<Means>,
    again: Option<Means>,
    short: Short,
}

/// Nothing is wrong here.
#[command]
struct Right {
    #[schemars(length(min = 1, max = 5), pattern("^a"))]
    text: Option<String>,
    #[schemars(range(min = 1))]
    count: Option<Count>,
    #[schemars(length(min = 1))]
    names: Names,
    #[schemars(inner(length(min = 1)))]
    inner: Option<Names>,
    #[schemars(length(max = 3))]
    map: HashMap<String, i64>,
    #[schemars(length(max = 3), range(min = 1))]
    any: serde_json::Value,
    #[schemars(range(min = 1))]
    untagged: Untagged,
    #[schemars(extend("format" = "int7", "example" = 3))]
    annotated: i64,
    #[schemars(inner(inner(range(max = 24))))]
    hours: Vec<[u8; 2]>,
}

#[command]
async fn right(_: Right) {}

#[tokio::test]
async fn r50_a_constraint_for_another_type_is_reported_at_its_field() {
    let error = Runtime::builder(MemoryStore::new()).start().await.unwrap_err();
    let file = file!();
    let found: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    let mut lines = Vec::from([(IN_TUPLE, "Short.0"), (IN_VARIANT, "Means::Card.number")]);
    let mut field = (FIELDS - 1, "");
    for (name, constraint, admitted, ty) in CONSTRAINTS {
        if field.1 != name {
            field = (field.0 + 2, name);
        }
        let expected = format!(
            "{file}:{}: the constraint `{constraint}` of `Wrong.{name}` would never be checked: it is for {admitted}, and the value is \
             {ty} in JSON; ",
            field.0
        );
        assert!(found.iter().any(|found| found.starts_with(&expected)), "{expected}\n{error}");
    }
    for (line, field) in lines.drain(..) {
        let expected = format!("{file}:{line}: ");
        let field = format!("of `{field}`");
        assert!(
            found.iter().any(|found| found.starts_with(&expected) && found.contains(&field)),
            "{expected}\n{error}"
        );
    }
    assert_eq!(found.len(), CONSTRAINTS.len() + 2, "{error}");
}
