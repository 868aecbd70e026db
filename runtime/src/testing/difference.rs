//! Differences between what is expected and what is found, line by line.

use std::fmt::Write as _;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::list::Message;

/// How many lines of context are shown around each difference.
const CONTEXT: usize = 4;

/// A diff of two texts.
pub(super) fn difference(expected: &str, found: &str) -> String {
    let mut shown = "- expected\n+ found\n".to_owned();
    let diff = TextDiff::from_lines(expected, found);
    for (index, hunk) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        shown.push_str(if index == 0 { "\n" } else { "  …\n" });
        for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            // Writing to a `String` cannot fail.
            let _ = writeln!(shown, "{sign} {}", change.value().trim_end_matches('\n'));
        }
    }
    shown
}

/// JSON with one field a line.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// Messages with their names and fields.
pub(super) fn listing(messages: &[Message]) -> String {
    if messages.is_empty() {
        return "nothing\n".to_owned();
    }
    let message = |Message { name, payload }: &Message| format!("{name} {}\n", pretty(payload));
    messages.iter().map(message).collect()
}
