//! The options in an attribute's parentheses: `#[command(target = account, remote)]`.
//!
//! Each attribute declares its options once, as the fields of a struct that derives darling's `FromMeta`. Which options exist,
//! which of them is meant by a misspelt one, and which attribute a misplaced one belongs to all follow from these structs.

mod mistake;
mod values;

use darling::FromMeta;
use darling::ast::NestedMeta;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, Meta, MetaNameValue, Path};

pub(crate) use self::mistake::Suggestion;
use self::mistake::{Mistake, explain};
pub(crate) use self::values::{
    CratePath, CronPattern, DurationExpr, FieldName, MissedExpr, RetryExpr, Setting, Text, Texts, Value, Word,
};
use crate::errors::Errors;

/// The options of one attribute. All of them are optional.
pub(crate) trait Options: FromMeta {
    /// The attribute, as messages name it: `` `#[command]` on a struct ``.
    const ATTRIBUTE: &'static str;

    /// What to do about an option that the attribute does not have. By default one of its own options is suggested.
    fn advice(_unknown: &Meta) -> Option<String> {
        None
    }
}

/// The options that are written correctly, and the names of the others, which have been reported.
pub(crate) struct Parsed<T> {
    pub(crate) options: T,
    rejected: Vec<String>,
}

impl<T> Parsed<T> {
    /// Whether an option was rejected that is, or was meant to be, `name`.
    ///
    /// Of such an option nothing more is reported: neither that it is missing, nor that another one is useless without it.
    pub(crate) fn rejects(&self, name: &str) -> bool {
        let is_meant = |rejected| matches!(Suggestion::for_name(rejected, &[name]), Suggestion::Name(_));
        self.rejected.iter().any(|rejected| is_meant(rejected))
    }

    pub(crate) fn rejects_any(&self) -> bool {
        !self.rejected.is_empty()
    }
}

/// Reads the options in the parentheses of an attribute.
pub(crate) fn parse<T: Options>(args: TokenStream, errors: &mut Errors) -> Parsed<T> {
    parse_all([args], errors)
}

/// Reads the options of several attributes of one name.
pub(crate) fn parse_all<T: Options>(
    args: impl IntoIterator<Item = TokenStream>,
    errors: &mut Errors,
) -> Parsed<T> {
    let mut items = Vec::new();
    for args in args {
        match NestedMeta::parse_meta_list(args) {
            Ok(list) => items.extend(list),
            Err(error) => errors.push(error),
        }
    }
    let options = items.into_iter().filter_map(|item| option(item, errors));
    collect(&options.collect::<Vec<_>>(), errors)
}

/// An option is `name = value` or a word. (darling also reads `name(value)`: there is one way to write an option.)
fn option(item: NestedMeta, errors: &mut Errors) -> Option<Meta> {
    let example = match item {
        NestedMeta::Meta(meta @ (Meta::Path(_) | Meta::NameValue(_))) => return Some(meta),
        // A value that is not an expression may be a type. Each option parses its tokens itself.
        NestedMeta::NameValueInvalidExpr(meta) => {
            let value = Expr::Verbatim(meta.value);
            return Some(MetaNameValue { path: meta.path, eq_token: meta.eq_token, value }.into());
        }
        NestedMeta::Meta(Meta::List(ref list)) => {
            format!("`{} = {}`", list.path.to_token_stream(), list.tokens)
        }
        NestedMeta::Lit(_) => "`name = value`".to_owned(),
    };
    errors.add(item, format!("an option is either `name = value` or a single word: write {example}"));
    None
}

/// Hands the options to darling. It returns the struct or the errors, and never both, so the options are added one by one:
/// those that are wrong are reported, and the struct is made of the rest.
fn collect<T: Options>(options: &[Meta], errors: &mut Errors) -> Parsed<T> {
    let mut accepted = Vec::new();
    let mut rejected = Vec::new();
    for option in options {
        accepted.push(NestedMeta::Meta(option.clone()));
        if let Err(error) = T::from_list(&accepted) {
            report::<T>(option, &error, errors);
            accepted.pop();
            rejected.extend(option.path().get_ident().map(ToString::to_string));
        }
    }
    let options = T::from_list(&accepted).expect("every option was accepted, and none is required");
    Parsed { options, rejected }
}

/// Puts one of darling's errors into this crate's words, and at the tokens that it is about.
fn report<T: Options>(option: &Meta, error: &darling::Error, errors: &mut Errors) {
    let name = name_of(option.path());
    match explain(error) {
        Mistake::Unknown(suggestion) => {
            let advice = T::advice(option).unwrap_or_else(|| match suggestion {
                Suggestion::Name(meant) => format!("did you mean `{meant}`?"),
                Suggestion::OneOf(names) => format!("its options are {names}"),
                Suggestion::None => "see the documentation of the attribute for those that it has".to_owned(),
            });
            errors.add(option.path(), format!("`{name}` is not an option of {}: {advice}", T::ATTRIBUTE));
        }
        Mistake::Twice => {
            errors.add(option.path(), format!("`{name}` is given twice: remove one of the two"));
        }
        Mistake::Value(message) => match option {
            Meta::NameValue(MetaNameValue { value, .. }) => errors.add(value, message),
            Meta::Path(_) | Meta::List(_) => errors.add(option, message),
        },
    }
}

/// Whether an option exists in `T`, whatever its value.
pub(crate) fn exists_in<T: FromMeta>(option: &Meta) -> bool {
    let parsed = T::from_list(&[NestedMeta::Meta(option.clone())]);
    parsed.err().is_none_or(|error| !matches!(explain(&error), Mistake::Unknown(_)))
}

fn name_of(path: &Path) -> String {
    path.to_token_stream().to_string()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[derive(FromMeta)]
    struct TestOptions {
        target: Option<Setting<FieldName>>,
        when: Option<Setting<syn::Type>>,
    }

    impl Options for TestOptions {
        const ATTRIBUTE: &'static str = "`#[test]`";
    }

    fn parse(args: TokenStream) -> (TestOptions, String) {
        let mut errors = Errors::new();
        let parsed = super::parse(args, &mut errors);
        (parsed.options, errors.report().to_string())
    }

    fn errors_of(args: TokenStream) -> String {
        parse(args).1
    }

    #[test]
    fn a_known_option_is_read() {
        let (options, errors) = parse(quote!(target = account));
        assert_eq!(errors, "");
        assert_eq!(options.target.map(|setting| setting.value.0.to_string()).as_deref(), Some("account"));
    }

    #[test]
    fn a_value_may_be_a_type_that_is_no_expression() {
        let (options, errors) = parse(quote!(when = Changed<dyn Thing>));
        assert_eq!(errors, "");
        assert!(options.when.is_some());
    }

    #[test]
    fn an_unknown_option_suggests_the_one_that_was_meant() {
        let errors = errors_of(quote!(taget = account));
        assert!(errors.contains("did you mean `target`?"), "{errors}");
    }

    #[test]
    fn an_unknown_option_that_resembles_none_lists_them() {
        let errors = errors_of(quote!(priority = 3));
        assert!(errors.contains("its options are `target`, `when`"), "{errors}");
    }

    #[test]
    fn an_option_given_twice_is_refused() {
        let (options, errors) = parse(quote!(target = a, target = b));
        assert!(errors.contains("`target` is given twice"), "{errors}");
        assert_eq!(options.target.map(|setting| setting.value.0.to_string()).as_deref(), Some("a"));
    }

    #[test]
    fn a_value_of_the_wrong_form_says_the_right_one() {
        for args in [quote!(target = "account"), quote!(target)] {
            let errors = errors_of(args);
            assert!(errors.contains("write `target = field`"), "{errors}");
        }
    }

    #[test]
    fn several_mistakes_are_all_found() {
        let errors = errors_of(quote!(target = 1, priority = 3, "text"));
        assert_eq!(errors.matches("compile_error").count(), 3, "{errors}");
    }

    #[test]
    fn a_wrong_option_does_not_hide_the_others() {
        let (options, _) = parse(quote!(priority = 3, target = account));
        assert!(options.target.is_some());
    }

    #[test]
    fn a_rejected_option_may_have_been_meant_for_another() {
        let mut errors = Errors::new();
        let parsed: Parsed<TestOptions> = super::parse(quote!(taget = account), &mut errors);
        errors.report();
        assert!(parsed.rejects("target") && !parsed.rejects("when"));
    }
}
