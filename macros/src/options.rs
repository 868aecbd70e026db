//! What stands in an attribute's parentheses: `#[command(target = account, stateless)]`.

use darling::ast::NestedMeta;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Meta, Path, Token, bracketed, token};

use crate::errors::Errors;
use crate::suggestion::{closest, one_of};

/// An option that was given: its key, for errors that concern the option, and its value.
#[derive(Debug)]
pub(crate) struct Setting<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// The options of one attribute, read one by one: what an attribute reads is what it has, so that no list of names is
/// kept beside it. What is left at [`Options::finish`] is unknown.
pub(crate) struct Options {
    /// The attribute, as messages call it: `` `#[command]` on a struct ``.
    attribute: &'static str,
    given: Vec<Given>,
    names: Vec<&'static str>,
}

struct Given {
    key: Ident,
    /// `None` for a word without a value.
    value: Option<TokenStream>,
}

impl Options {
    pub(crate) fn parse(attribute: &'static str, args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self { attribute, given: Vec::new(), names: Vec::new() };
        match NestedMeta::parse_meta_list(args) {
            Ok(list) => list.into_iter().for_each(|item| options.add(item, errors)),
            Err(error) => errors.push(error),
        }
        options
    }

    fn add(&mut self, item: NestedMeta, errors: &mut Errors) {
        let Some(given) = Given::read(&item) else {
            let example = match &item {
                NestedMeta::Meta(Meta::List(list)) => {
                    format!("`{} = {}`", list.path.to_token_stream(), list.tokens)
                }
                _ => "`name = value`".to_owned(),
            };
            errors.add(item, format!("an option is written with `=`, or as a word alone: write {example}"));
            return;
        };
        if self.given.iter().any(|earlier| earlier.key == given.key) {
            errors.add(
                &given.key,
                format!("`{}` is given twice: which one holds? Remove the other", given.key),
            );
            return;
        }
        self.given.push(given);
    }

    fn take(&mut self, name: &'static str) -> Option<Given> {
        self.names.push(name);
        let index = self.given.iter().position(|given| given.key == name)?;
        Some(self.given.remove(index))
    }

    /// Whether an option is given, rightly or wrongly, or one that was meant for it.
    pub(crate) fn seems_given(&self, name: &str) -> bool {
        self.given.iter().any(|given| closest(&given.key.to_string(), [name]).is_some())
    }

    /// Reads `name = value`. `form` is how the value is to be written, for the message when it is not.
    pub(crate) fn value<T: Parse>(
        &mut self,
        name: &'static str,
        form: &str,
        errors: &mut Errors,
    ) -> Option<Setting<T>> {
        let Given { key, value } = self.take(name)?;
        let Some(value) = value else {
            errors.add(&key, format!("`{name}` lacks its value: write `{name} = {form}`"));
            return None;
        };
        let Ok(value) = syn::parse2(value.clone()) else {
            errors.add(value, format!("this is no value for `{name}`: write `{name} = {form}`"));
            return None;
        };
        Some(Setting { key, value })
    }

    /// Reads `name = "…"`: a text that is not empty.
    pub(crate) fn text(&mut self, name: &'static str, errors: &mut Errors) -> Option<String> {
        let Setting { value, .. } = self.value::<LitStr>(name, "\"…\"", errors)?;
        if value.value().trim().is_empty() {
            errors.add(&value, format!("`{name}` is empty: write a text, or leave `{name}` out"));
            return None;
        }
        Some(value.value())
    }

    /// Reads `name = "…"` or `name = ["…", "…"]`: texts that are not empty.
    pub(crate) fn texts(&mut self, name: &'static str, errors: &mut Errors) -> Vec<String> {
        let form = format!("\"…\"`, or several, `{name} = [\"…\", \"…\"]");
        let Some(Setting { value: Texts(texts), .. }) = self.value(name, &form, errors) else {
            return Vec::new();
        };
        for empty in texts.iter().filter(|text| text.value().trim().is_empty()) {
            errors.add(empty, format!("`{name}` is empty: write a text, or leave `{name}` out"));
        }
        texts.iter().map(LitStr::value).collect()
    }

    /// Reads a word.
    pub(crate) fn flag(&mut self, name: &'static str, errors: &mut Errors) -> Option<Ident> {
        let Given { key, value } = self.take(name)?;
        if let Some(value) = value {
            errors.add(value, format!("`{name}` takes no value: write `{name}` alone"));
        }
        Some(key)
    }

    /// An option that is not this attribute's, and that its caller refuses.
    pub(crate) fn stray(&mut self, name: &str) -> Option<Ident> {
        let index = self.given.iter().position(|given| given.key == name)?;
        Some(self.given.remove(index).key)
    }

    /// Refuses options that belong to another item, and says to which.
    pub(crate) fn misplaced(&mut self, names: &[&str], whither: &str, errors: &mut Errors) {
        let attribute = self.attribute;
        self.given.retain(|given| {
            let misplaced = names.iter().any(|name| given.key == name);
            if misplaced {
                let key = &given.key;
                errors.add(key, format!("`{key}` is not an option of {attribute}: {whither}"));
            }
            !misplaced
        });
    }

    /// Refuses what no one has read.
    pub(crate) fn finish(self, errors: &mut Errors) {
        for Given { key, .. } in &self.given {
            let advice = match closest(&key.to_string(), self.names.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None if self.names.is_empty() => "it has none".to_owned(),
                None => format!("it knows {}", one_of(&self.names)),
            };
            errors.add(key, format!("`{key}` is not an option of {}: {advice}", self.attribute));
        }
    }
}

/// One text, or an array of them.
struct Texts(Vec<LitStr>);

impl Parse for Texts {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(token::Bracket) {
            return Ok(Self(vec![input.parse()?]));
        }
        let content;
        bracketed!(content in input);
        let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
        Ok(Self(texts.into_iter().collect()))
    }
}

impl Given {
    fn read(item: &NestedMeta) -> Option<Self> {
        let (path, value) = match item {
            NestedMeta::Meta(Meta::Path(path)) => (path, None),
            NestedMeta::Meta(Meta::NameValue(meta)) => (&meta.path, Some(meta.value.to_token_stream())),
            // A value that is no expression may yet be a type.
            NestedMeta::NameValueInvalidExpr(meta) => (&meta.path, Some(meta.value.clone())),
            NestedMeta::Meta(Meta::List(_)) | NestedMeta::Lit(_) => return None,
        };
        Some(Self { key: only_segment(path)?, value })
    }
}

fn only_segment(path: &Path) -> Option<Ident> {
    path.get_ident().map(IdentExt::unraw)
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// What the errors say after `read` has read the options `args`.
    fn complaints(args: TokenStream, read: impl FnOnce(&mut Options, &mut Errors)) -> String {
        let mut errors = Errors::new();
        let mut options = Options::parse("`#[test]`", args, &mut errors);
        read(&mut options, &mut errors);
        options.finish(&mut errors);
        errors.report().to_string()
    }

    fn read_target(options: &mut Options, errors: &mut Errors) {
        options.value::<Ident>("target", "field", errors);
    }

    #[test]
    fn a_known_option_is_read() {
        let mut target = None;
        let complaints = complaints(quote!(target = account), |options, errors| {
            target = options.value::<Ident>("target", "field", errors);
        });
        assert_eq!(complaints, "");
        assert_eq!(target.map(|setting| setting.value.to_string()).as_deref(), Some("account"));
    }

    #[test]
    fn a_value_may_be_a_type_that_is_no_expression() {
        let complaints = complaints(quote!(when = Changed<dyn Thing>), |options, errors| {
            assert!(options.value::<syn::Type>("when", "Type", errors).is_some());
        });
        assert_eq!(complaints, "");
    }

    #[test]
    fn an_unknown_option_suggests_the_one_that_was_meant() {
        let complaints = complaints(quote!(taget = account), read_target);
        assert!(complaints.contains("did you mean `target`?"), "{complaints}");
    }

    #[test]
    fn an_unknown_option_that_resembles_none_lists_them() {
        let complaints = complaints(quote!(priority = 3), read_target);
        assert!(complaints.contains("it knows `target`"), "{complaints}");
    }

    #[test]
    fn an_option_given_twice_is_refused() {
        let complaints = complaints(quote!(target = a, target = b), read_target);
        assert!(complaints.contains("`target` is given twice"), "{complaints}");
    }

    #[test]
    fn a_value_of_the_wrong_form_says_the_right_one() {
        for args in [quote!(target = "account"), quote!(target)] {
            let complaints = complaints(args, read_target);
            assert!(complaints.contains("write `target = field`"), "{complaints}");
        }
    }

    #[test]
    fn several_mistakes_are_all_found() {
        let complaints = complaints(quote!(target = 1, priority = 3, "text"), read_target);
        assert_eq!(complaints.matches("compile_error").count(), 3, "{complaints}");
    }
}
