//! Texts for logs and `Debug`, which show no payload, no key and no value that a violation quotes.

use std::fmt;

use super::failure::Failure;

/// Shown instead of a text that may be part of a payload.
pub(crate) const HIDDEN: Hidden = Hidden;

pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The kind and the code of a failure.
pub(crate) struct Summary<'a>(pub(crate) &'a Failure);

impl fmt::Debug for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.kind(), self.0.code())
    }
}

/// The message and the causes of a failure, with the place and the code of each violation: its message may quote the input.
pub(crate) struct LogText<'a>(pub(crate) &'a Failure);

impl fmt::Display for LogText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message())?;
        write!(f, "{}", Places(self.0))?;
        for cause in self.0.causes() {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

/// The place and the code of each violation of a failure.
pub(crate) struct Places<'a>(pub(crate) &'a Failure);

impl fmt::Display for Places<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.violations().iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            if let Some(pointer) = violation.pointer().filter(|pointer| !pointer.is_empty()) {
                write!(f, "{pointer} ")?;
            }
            f.write_str(violation.code())?;
        }
        Ok(())
    }
}
