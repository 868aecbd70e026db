//! What darling has found wrong with an option.

use darling::Error;

/// A mistake in one option.
pub(super) enum Mistake {
    /// There is no option of this name.
    Unknown(Suggestion),
    Twice,
    /// The message of the option's type, see `values`.
    Value(String),
}

/// What to write in place of an unknown name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Suggestion {
    /// The known name that resembles it.
    Name(String),
    /// All known names, as a list: `` `a`, `b` ``.
    OneOf(String),
    /// There are too many known names to list, or none.
    None,
}

impl Suggestion {
    /// Compares an unknown name to the known ones.
    pub(crate) fn for_name<T: AsRef<str>>(unknown: &str, known: &[T]) -> Self {
        Self::read(&Error::unknown_field_with_alts(unknown, known).to_string())
    }

    /// What darling suggests for the unknown name that it has met.
    pub(crate) fn of(error: &Error) -> Self {
        Self::read(&message(error))
    }

    fn read(text: &str) -> Self {
        let Some((_, advice)) = text.split_once("`. ") else {
            return Self::None;
        };
        let meant = advice.strip_prefix("Did you mean `").and_then(|name| name.strip_suffix("`?"));
        let names = advice.strip_prefix("Available values: ");
        let meant = meant.map(|name| Self::Name(name.to_owned()));
        meant.or(names.map(|names| Self::OneOf(names.to_owned()))).unwrap_or(Self::None)
    }
}

/// Tells darling's errors apart. It keeps their kinds private, so this goes by their texts, and nothing else in this crate
/// does. A text that a later version of darling words differently would be shown as it is.
pub(super) fn explain(error: &Error) -> Mistake {
    let text = message(error);
    if text.starts_with("Unknown field: ") {
        Mistake::Unknown(Suggestion::read(&text))
    } else if text.starts_with("Duplicate field ") {
        Mistake::Twice
    } else {
        Mistake::Value(text)
    }
}

/// The text alone: `darling::Error` prints the option's name as well.
fn message(error: &Error) -> String {
    syn::Error::from(error.clone()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_darling_are_as_expected() {
        let unknown = Error::unknown_field_with_alts("a", &["b"]);
        assert!(matches!(explain(&unknown), Mistake::Unknown(Suggestion::OneOf(_))));
        assert!(matches!(explain(&Error::duplicate_field("a")), Mistake::Twice));
        assert!(matches!(explain(&Error::custom("wrong")), Mistake::Value(text) if text == "wrong"));
    }

    #[test]
    fn a_misspelt_name_suggests_the_closest_one() {
        let closest = |name, known: &[&str]| Suggestion::for_name(name, known);
        assert_eq!(closest("taget", &["target", "name"]), Suggestion::Name("target".to_owned()));
        assert_eq!(closest("order", &["order_by", "name"]), Suggestion::Name("order_by".to_owned()));
    }

    #[test]
    fn what_resembles_nothing_lists_all_names() {
        let names = Suggestion::OneOf("`name`, `target`".to_owned());
        assert_eq!(Suggestion::for_name("priority", &["target", "name"]), names);
        assert_eq!(Suggestion::for_name::<&str>("priority", &[]), Suggestion::None);
    }
}
