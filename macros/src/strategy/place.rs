//! Which item of a strategy an attribute is on.

use syn::Meta;

use crate::errors::Errors;
use crate::options::{Parsed, Word};

/// An item that `#[strategy]` goes on.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Trait,
    Impl,
    Function,
}

impl Place {
    /// What the item is, and what to write above it.
    pub(super) fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Trait => ("a trait, so it is the strategy", "#[strategy]"),
            Self::Impl => ("an `impl`, so it is a variant of a strategy", "#[strategy(variant)]"),
            Self::Function => ("a function, so it is the policy", "#[strategy(policy)]"),
        }
    }

    /// What to do about the word of another item.
    pub(super) fn advice(self, unknown: &Meta) -> Option<String> {
        let (item, attribute) = self.describe();
        let is_word = ["variant", "policy"].iter().any(|word| unknown.path().is_ident(word));
        is_word.then(|| format!("this is {item}: write `{attribute}`"))
    }

    /// The word says what the item is. A wrong word has been reported as an option that does not exist.
    pub(super) fn check_word<T>(self, word: Option<&Word>, parsed: &Parsed<T>, errors: &mut Errors) {
        if word.is_none() && !parsed.rejects_any() {
            let (item, attribute) = self.describe();
            errors.add_at_attribute(format!("this is {item}: write `{attribute}`"));
        }
    }
}
