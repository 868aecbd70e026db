//! The item that an attribute is on.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, DeriveInput, ItemImpl, ItemTrait, Signature, Visibility};

use crate::errors::Errors;

/// An item, parsed as far as an attribute needs.
pub(crate) enum Item {
    /// A struct, an enum or a union.
    Type(Box<DeriveInput>),
    Trait(Box<ItemTrait>),
    Impl(Box<ItemImpl>),
    Function(Box<Function>),
    Other,
}

impl Item {
    pub(crate) fn parse(item: &TokenStream) -> Self {
        let ty = || syn::parse2(item.clone()).ok().map(Self::Type);
        let function = || syn::parse2(item.clone()).ok().map(Self::Function);
        let strategy = || syn::parse2(item.clone()).ok().map(Self::Trait);
        let variant = || syn::parse2(item.clone()).ok().map(Self::Impl);
        ty().or_else(function).or_else(strategy).or_else(variant).unwrap_or(Self::Other)
    }
}

/// A function. Its body is passed on unparsed.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        quote!(#(#attrs)* #vis #sig #body).to_tokens(tokens);
    }
}

/// The item unchanged, and the error that the attribute cannot be used on it.
pub(crate) fn misplaced(attribute: &str, place: &str, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    errors.add_at_attribute(format!("`{attribute}` cannot be used here: it goes on {place}"));
    TokenStream::from_iter([item, errors.report()])
}
