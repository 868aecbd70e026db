//! The forms in which an option is written, and what to write instead of a wrong one.

use darling::{Error, FromMeta};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, LitStr, Meta, Token, Type, bracketed, token};

use super::mistake::Suggestion;
use super::name_of;

/// An option `key = value`.
#[derive(Debug)]
pub(crate) struct Setting<T> {
    /// Errors that concern the whole option are shown here.
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// A value of an option.
pub(crate) trait Value: Sized {
    /// How it is written, for messages: `field` in `target = field`.
    const FORM: &'static str;

    /// Reads it. If it is of another form, [`Suggestion::Name`] is the value that was meant.
    fn read(tokens: TokenStream) -> Result<Self, Suggestion>;

    fn is_empty(&self) -> bool {
        false
    }
}

impl<T: Value> FromMeta for Setting<T> {
    fn from_meta(option: &Meta) -> darling::Result<Self> {
        let name = name_of(option.path());
        let form = T::FORM;
        let Meta::NameValue(setting) = option else {
            return Err(Error::custom(format!("`{name}` needs a value: write `{name} = {form}`")));
        };
        let value = T::read(setting.value.to_token_stream()).map_err(|suggestion| {
            let advice = match suggestion {
                Suggestion::Name(meant) => format!("did you mean `{name} = {meant}`?"),
                Suggestion::OneOf(_) | Suggestion::None => format!("write `{name} = {form}`"),
            };
            Error::custom(format!("this is not a value of `{name}`: {advice}"))
        })?;
        if value.is_empty() {
            return Err(Error::custom(format!("`{name}` is empty: write a text, or remove `{name}`")));
        }
        let key = setting.path.require_ident().map_err(Error::from)?.clone();
        Ok(Self { key, value })
    }
}

/// An option that is a word without a value.
#[derive(Debug)]
pub(crate) struct Word(pub(crate) Ident);

impl FromMeta for Word {
    fn from_meta(option: &Meta) -> darling::Result<Self> {
        let name = name_of(option.path());
        let Meta::Path(path) = option else {
            return Err(Error::custom(format!("`{name}` takes no value: write `{name}` alone")));
        };
        Ok(Self(path.require_ident().map_err(Error::from)?.clone()))
    }
}

/// A text that is not blank.
#[derive(Debug)]
pub(crate) struct Text(pub(crate) String);

impl Value for Text {
    const FORM: &'static str = "\"…\"";

    fn read(tokens: TokenStream) -> Result<Self, Suggestion> {
        let text: LitStr = parse(tokens)?;
        Ok(Self(text.value()))
    }

    fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

/// One text, or an array of them.
#[derive(Debug)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl Value for Texts {
    const FORM: &'static str = "\"…\"` or `[\"…\", \"…\"]";

    fn read(tokens: TokenStream) -> Result<Self, Suggestion> {
        parse(tokens)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().any(|text| text.trim().is_empty())
    }
}

impl Parse for Texts {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(token::Bracket) {
            return Ok(Self(vec![input.parse::<LitStr>()?.value()]));
        }
        let content;
        bracketed!(content in input);
        let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?;
        Ok(Self(texts.iter().map(LitStr::value).collect()))
    }
}

impl Value for Type {
    const FORM: &'static str = "Type";

    fn read(tokens: TokenStream) -> Result<Self, Suggestion> {
        parse(tokens)
    }
}

/// Declares values that go into the expansion as they are written, where the compiler proves their types.
macro_rules! verbatim {
    ($($(#[$doc:meta])* $name:ident($syntax:ty) = $form:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name(pub(crate) $syntax);

        impl Value for $name {
            const FORM: &'static str = $form;

            fn read(tokens: TokenStream) -> Result<Self, Suggestion> {
                parse(tokens).map(Self)
            }
        }

        impl ToTokens for $name {
            fn to_tokens(&self, tokens: &mut TokenStream) {
                self.0.to_tokens(tokens);
            }
        }
    )*};
}

verbatim! {
    /// The name of one of the struct's fields.
    FieldName(Ident) = "field";
    /// An expression of type `Retry`.
    RetryExpr(Expr) = "Retry::…";
    /// An expression of type `Duration`.
    DurationExpr(Expr) = "Duration::…";
    /// An expression of type `Missed`.
    MissedExpr(Expr) = "Missed::…";
    /// The path of a crate or a module.
    CratePath(LitStr) = "\"path\"";
    /// A cron pattern. The runtime parses it.
    CronPattern(LitStr) = "\"0 3 * * *\"";
}

fn parse<T: Parse>(tokens: TokenStream) -> Result<T, Suggestion> {
    syn::parse2(tokens).map_err(|_| Suggestion::None)
}
