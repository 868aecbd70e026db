//! The prose of the crates uses the terms of the field. This finds the phrases that were in use before.

use std::fmt::Write;
use std::fs;

const FOLDERS: [&str; 4] = ["macros", "runtime", "stores", "examples"];

/// A phrase and what to write instead. Words are compared without case, in prose and in names (`on_record`, `OnRecord`).
const PHRASES: &[(&str, &str)] = &[
    ("on record", "stored, recorded"),
    ("answers with", "returns"),
    ("becomes of", "the outcome, what happens to"),
    ("become of", "the outcome, what happens to"),
    ("became of", "the outcome, what happened to"),
    ("somebody", "the caller, the operator, another process"),
    ("whoever", "the caller, the operator, another process"),
    ("who looks", "the caller"),
    ("the matter", "the correlation"),
    ("call off", "cancel"),
    ("calls off", "cancels"),
    ("called off", "cancelled"),
    ("under way", "running"),
    ("the door", "the boundary, validation"),
    ("draws from", "extracts from"),
    ("drawn from", "extracted from"),
    ("given up", "rescued, expired"),
    ("given back", "released"),
    ("giving back", "releasing"),
    ("stands in", "is stored in, is in"),
    ("stands at", "is at"),
    ("hands out", "claims, returns"),
    ("handed out", "claimed, returned"),
    ("sightings", "observations"),
    ("is told", "is notified, receives"),
    ("are told", "are notified, receive"),
    ("of no account", "ignored"),
    ("be as it must", "violates an invariant"),
];

#[test]
fn the_crates_are_written_in_plain_technical_english() {
    let mut report = String::new();
    for file in FOLDERS.iter().flat_map(|folder| super::files(folder, &["rs", "md"])) {
        let text = fs::read_to_string(super::root().join(&file)).unwrap();
        for (line, phrase, instead) in phrases_in(&text) {
            writeln!(report, "{}:{line}: `{phrase}`: write {instead}", file.display()).unwrap();
        }
    }
    assert!(report.is_empty(), "{} places:\n{report}", report.lines().count());
}

/// The phrases in a text, with the lines that they begin in.
fn phrases_in(text: &str) -> Vec<(usize, &'static str, &'static str)> {
    let words = words(text);
    let mut found = Vec::new();
    for (phrase, instead) in PHRASES {
        let phrase_words: Vec<_> = phrase.split(' ').collect();
        for window in words.windows(phrase_words.len()) {
            if window.iter().zip(&phrase_words).all(|((_, word), wanted)| word == wanted) {
                found.push((window[0].0, *phrase, *instead));
            }
        }
    }
    found.sort_unstable();
    found
}

/// The words of a text in lower case, with their lines. Names are split into their words. Punctuation is a word of its own,
/// except what may stand between two words of a phrase: comment markers and emphasis.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut last = ' ';
        for char in line.chars() {
            let hump = char.is_uppercase() && last.is_lowercase();
            match (char, words.last_mut()) {
                (' ' | '\t' | '/' | '!' | '*' | '>' | '`' | '_', _) => {}
                (_, Some((_, word))) if char.is_alphanumeric() && last.is_alphanumeric() && !hump => {
                    word.extend(char.to_lowercase());
                }
                _ => words.push((number + 1, char.to_lowercase().collect())),
            }
            last = char;
        }
    }
    words
}

#[test]
fn a_phrase_is_found_in_prose_in_names_and_across_lines() {
    let lines =
        |text| phrases_in(text).into_iter().map(|(line, phrase, _)| (line, phrase)).collect::<Vec<_>>();
    assert_eq!(lines("It is on\n    /// record now."), [(1, "on record")]);
    assert_eq!(lines("//! a\n/// Put **on record**."), [(2, "on record")]);
    assert_eq!(lines("let on_record = jobs;\nstruct UnderWay;"), [(1, "on record"), (2, "under way")]);
    assert_eq!(lines("const UNDER_WAY: u8 = 1;"), [(1, "under way")]);
    assert_eq!(lines("Go on. Record it, retry.on(record), a lone reward."), []);
}
