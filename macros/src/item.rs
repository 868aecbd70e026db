//! What an attribute stands on.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, DeriveInput, Signature, Visibility};

use crate::errors::Errors;

/// An item, as far as an attribute looks into it.
pub(crate) enum Item {
    /// A struct, an enum or a union.
    Type(Box<DeriveInput>),
    Function(Box<Function>),
    Other,
}

impl Item {
    pub(crate) fn parse(item: &TokenStream) -> Self {
        let ty = || syn::parse2(item.clone()).ok().map(Self::Type);
        let function = || syn::parse2(item.clone()).ok().map(Self::Function);
        ty().or_else(function).unwrap_or(Self::Other)
    }
}

/// A function. Its body is no business of an attribute.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) sig: Signature,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let sig = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(Self { attrs, sig })
    }
}

/// The item unchanged, and the error that it is not what the attribute stands on.
pub(crate) fn misplaced(attribute: &str, place: &str, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    errors.add_at_attribute(format!("`{attribute}` does not belong here: it goes on {place}"));
    TokenStream::from_iter([item, errors.report()])
}
