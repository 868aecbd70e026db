//! Texts have no runs of blanks: they are left by a line break in a literal that no backslash continues, or by one that was joined by
//! hand.

use std::fmt::Write;
use std::fs;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Lit, LitStr};

#[test]
fn no_text_has_a_run_of_blanks() {
    let mut report = String::new();
    for file in
        ["macros/src", "runtime/src", "stores"].iter().flat_map(|folder| super::files(folder, &["rs"]))
    {
        let text = fs::read_to_string(super::root().join(&file)).unwrap();
        for text in texts_with_blanks(&text) {
            writeln!(report, "{}: {text:?}", file.display()).unwrap();
        }
    }
    assert!(report.is_empty(), "continue a line of a text with a backslash, and leave one blank:\n{report}");
}

/// The string literals of a source, those in macro calls included, with a run of blanks inside. Raw literals are code and are not
/// read; nor are statements of a store, and comments, which the compiler passes to macros as literals that begin with a blank.
fn texts_with_blanks(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    literals(source.parse().unwrap(), &mut found);
    let is_sql = |text: &str| {
        ["FROM ", "INSERT ", "UPDATE ", "set_config("].iter().any(|keyword| text.contains(keyword))
    };
    found.retain(|text| text.trim().contains(RUN) && !text.starts_with(' ') && !is_sql(text));
    found
}

/// More than what lays out a short list.
const RUN: &str = "    ";

fn literals(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Literal(literal) => {
                let is_raw = literal.to_string().starts_with('r');
                if let (false, Lit::Str(text)) = (is_raw, Lit::new(literal)) {
                    found.push(LitStr::value(&text));
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

#[test]
fn a_run_of_blanks_is_found_wherever_a_text_is_written() {
    let count = |source: &str| texts_with_blanks(source).len();
    assert_eq!(
        count("fn f() { panic!(\"the handler waits for its entity,                  which is held\") }"),
        1
    );
    assert_eq!(count("const A: &str = \"a line is broken, \n             and not continued\";"), 1);
    assert_eq!(count("const A: &str = \"a line is broken, \\\n             and continued\";"), 0);
    assert_eq!(count("const A: &str = \"one blank  \";"), 0);
}
