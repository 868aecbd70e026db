//! Cutting the texts of a failure to a limit.

use std::borrow::Cow;

use super::failure::{Failure, Violation};

/// The longest code, in bytes. Longer ones are cut.
const MAX_CODE_BYTES: usize = 256;

/// Room for the mark of a cut text.
const MARK_BYTES: usize = 32;

impl Failure {
    /// The failure with texts of at most about `max` bytes together: the message, then the violations, then the causes. A text that is cut
    /// ends with a mark that has its length; texts without room are counted in a last cause ([r08](crate::rules#r08)).
    pub(crate) fn cut(mut self, max: usize) -> Self {
        let content = &mut *self.0;
        cut_code(&mut content.code);
        let violations: usize = content.violations.iter().map(Violation::bytes).sum();
        let causes: usize = content.causes.iter().map(String::len).sum();
        if content.message.len() + violations + causes <= max {
            return self;
        }
        // The message has at most half of the room, so that something of the rest is left.
        let rest = (violations + causes).min(max / 2);
        let mut room = max - rest;
        cut_text(&mut content.message, room);
        room = max.saturating_sub(content.message.len());
        let count = content.violations.len() + content.causes.len();
        for violation in &mut content.violations {
            violation.cut(room);
            room = room.saturating_sub(violation.bytes());
        }
        content.violations.retain(|violation| !violation.message.is_empty());
        for cause in &mut content.causes {
            cut_text(cause, room);
            room = room.saturating_sub(cause.len());
        }
        content.causes.retain(|cause| !cause.is_empty());
        let dropped = count - content.violations.len() - content.causes.len();
        if dropped > 0 {
            content.causes.push(format!("… ({dropped} more texts were cut)"));
        }
        self
    }
}

impl Violation {
    fn bytes(&self) -> usize {
        self.message.len() + self.code.len() + self.pointer.as_ref().map_or(0, String::len)
    }

    /// The message is empty if there is no room for it.
    fn cut(&mut self, room: usize) {
        cut_code(&mut self.code);
        if let Some(pointer) = &mut self.pointer {
            cut_text(pointer, room / 4);
        }
        let others = self.bytes() - self.message.len();
        cut_text(&mut self.message, room.saturating_sub(others));
    }
}

fn cut_code(code: &mut Cow<'static, str>) {
    if code.len() > MAX_CODE_BYTES {
        cut_text(code.to_mut(), MAX_CODE_BYTES);
    }
}

/// Cuts a text to at most `max` bytes, mark included. It is empty if there is no room.
fn cut_text(text: &mut String, max: usize) {
    let bytes = text.len();
    if bytes <= max {
        return;
    }
    let room = max.saturating_sub(MARK_BYTES);
    let kept = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(kept);
    if kept > 0 {
        text.extend(["… (cut, ", &bytes.to_string(), " bytes)"]);
    }
    text.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    #[test]
    fn r08_a_failure_within_the_limit_is_kept_as_it_is() {
        let failure = Failure::new(FailureKind::Error, "code", "message")
            .with_violations([Violation::at("/a", "b", "c")])
            .with_source(&std::io::Error::other("cause"));
        assert_eq!(failure.clone().cut(16), failure);
        assert_ne!(failure.clone().cut(15), failure);
    }

    #[test]
    fn r08_each_text_is_cut_at_a_character_with_a_mark() {
        let long = "ä".repeat(5000);
        let mut failure = Failure::new(FailureKind::Error, long.clone(), long.clone());
        failure = failure.with_violations((0..3).map(|_| Violation::at(long.clone(), "code", long.clone())));
        for _ in 0..100 {
            failure = failure.with_source(&std::io::Error::other(long.clone()));
        }
        let cut = failure.cut(1000);
        let texts = [cut.message(), cut.violations()[0].message(), cut.code()];
        for text in texts {
            assert!(text.starts_with('ä') && text.ends_with("… (cut, 10000 bytes)"), "{text}");
        }
        assert!(cut.to_string().len() < 1200, "{}", cut.to_string().len());
        assert!(cut.causes().last().is_some_and(|last| last.ends_with("more texts were cut)")), "{cut}");
    }
}
