//! What a type refuses of a JSON text, and where.

use serde::de::DeserializeOwned;

use crate::model::Violation;

/// Reads a text as a `T`, which says what it refuses.
pub(crate) fn parse_text<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    serde_json::from_str(text)
        .map_err(|error| Refused::new(text, &error, &|shorter| serde_json::from_str::<T>(shorter).err()))
}

/// What a type refuses of a text.
#[derive(Debug)]
pub(crate) struct Refused {
    pointer: String,
    message: String,
}

impl Refused {
    /// `refuse` is the type's error for another text.
    pub(crate) fn new(
        text: &str,
        error: &serde_json::Error,
        refuse: &dyn Fn(&str) -> Option<serde_json::Error>,
    ) -> Self {
        let message = without_position(error);
        // A stored text has one line, unless it was edited.
        if error.line() != 1 {
            return Self { pointer: String::new(), message };
        }
        // Deserialization may fail later than at the refused value, so shorten the text until it is accepted.
        let mut end = error.column();
        while let Some(shorter) = text.get(..end.saturating_sub(1))
            && let Some(error) =
                refuse(shorter).filter(|error| error.is_data() && (1..end).contains(&error.column()))
        {
            end = error.column();
        }
        Self { pointer: pointer_at(text, end), message }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn with_message(self, message: String) -> Self {
        Self { message, ..self }
    }

    pub(crate) fn into_violation(self) -> Violation {
        Violation::at(self.pointer, "unreadable", self.message)
    }
}

/// serde's message without line and column, since the caller does not see the text.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).unwrap_or(&message).to_owned()
}

/// The JSON pointer of the innermost value that contains or ends at the byte `end` of a document in one line.
fn pointer_at(text: &str, end: usize) -> String {
    let mut open: Vec<Open> = Vec::new();
    let mut rest = text.get(..end).unwrap_or(text).char_indices();
    while let Some((at, char)) = rest.next() {
        match char {
            '{' => open.push(Open { index: None, name: String::new() }),
            '[' => open.push(Open { index: Some(0), name: String::new() }),
            '}' | ']' if at + 1 < end => {
                open.pop();
            }
            ',' => {
                if let Some(Open { index: Some(index), .. }) = open.last_mut() {
                    *index += 1;
                }
            }
            '"' => {
                let string = string_at(text.get(at..).unwrap_or_default());
                let after = at + string.len();
                if text.get(after..).is_some_and(|after| after.starts_with(':'))
                    && let Some(object) = open.last_mut()
                {
                    object.name = serde_json::from_str(string).unwrap_or_default();
                }
                while rest.offset() < after && rest.next().is_some() {}
            }
            _ => {}
        }
    }
    // What ends at an object's or an array's last byte is the whole of it.
    if text.get(..end).is_some_and(|read| read.ends_with(['}', ']'])) {
        open.pop();
    }
    let token = |open: Open| match open.index {
        Some(index) => format!("/{index}"),
        None => format!("/{}", open.name.replace('~', "~0").replace('/', "~1")),
    };
    open.into_iter().map(token).collect()
}

/// An array or object that the scan is inside of, and where in it.
struct Open {
    index: Option<usize>,
    name: String,
}

/// The string literal at the start of a text.
fn string_at(text: &str) -> &str {
    let mut is_escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            '"' if !is_escaped => return &text[..=at],
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text
}
