//! What an attribute stands on.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, DeriveInput, ItemImpl, ItemTrait, Signature, Visibility};

use crate::errors::Errors;

/// An item, as far as an attribute looks into it.
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

/// A function. An attribute looks at its signature; its body it passes on as it is.
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

/// The item unchanged, and the error that it is not what the attribute stands on.
pub(crate) fn misplaced(attribute: &str, place: &str, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    errors.add_at_attribute(format!("`{attribute}` does not belong here: it goes on {place}"));
    TokenStream::from_iter([item, errors.report()])
}
