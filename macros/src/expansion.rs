//! Parts that all expansions share.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;

use crate::crate_path::Enact;
use crate::item::Function;
use crate::options::{Setting, Texts};

/// Puts generated items into a `const _`, where nothing can name them, with the `#[cfg]` and `#[allow]` attributes of the
/// user's item.
///
/// Deprecated items are wired like others. A crate path set by `#[enact(crate = …)]` may be an unneeded qualification.
pub(crate) fn hidden(attrs: &[Attribute], items: &TokenStream) -> TokenStream {
    let inherited = attrs.iter().filter(|attribute| {
        let path = attribute.path();
        path.is_ident("cfg") || path.is_ident("allow")
    });
    quote! {
        #(#inherited)*
        #[allow(deprecated, unused_qualifications)]
        const _: () = { #items };
    }
}

/// The generated items of a function: none if it is a method, because an `impl` block cannot contain them.
pub(crate) fn hidden_beside(function: &Function, items: &TokenStream) -> TokenStream {
    if function.sig.receiver().is_some() { TokenStream::new() } else { hidden(&function.attrs, items) }
}

/// Registers a part for `start()`: `register(enact, &quote!(entity::<Account>))`.
pub(crate) fn register(enact: &Enact, part: &TokenStream) -> TokenStream {
    quote!(#enact::register! { #enact::Registration::#part(#enact::source!()) })
}

/// An assertion for the compiler, in terms of `enact::__private::assert`, where no bound of an implementation makes it.
pub(crate) fn proof(enact: &Enact, proof: &TokenStream) -> TokenStream {
    quote! {
        const _: fn() = || {
            #[allow(unused_imports)]
            use #enact::__private::assert::Otherwise as _;
            #proof;
        };
    }
}

/// `const ALIASES`, if there are any.
pub(crate) fn aliases(alias: Option<&Setting<Texts>>) -> Option<TokenStream> {
    let Texts(aliases) = &alias?.value;
    Some(quote!(const ALIASES: &'static [&'static str] = &[#(#aliases),*];))
}

/// A handler's function, unchanged.
///
/// The attribute requires that it is `async` and takes its message by value, so clippy's advice against that is silenced.
pub(crate) fn reemitted_handler(function: &Function) -> TokenStream {
    quote! {
        #[allow(clippy::unused_async, clippy::needless_pass_by_value)]
        #function
    }
}

/// An invariant's function, unchanged. The attribute requires that it takes references.
pub(crate) fn reemitted_invariant(function: &Function) -> TokenStream {
    quote! {
        #[allow(clippy::trivially_copy_pass_by_ref)]
        #function
    }
}

/// A policy's function, unchanged. The attribute requires that it takes extracted values by value.
pub(crate) fn reemitted_policy(function: &Function) -> TokenStream {
    quote! {
        #[allow(clippy::needless_pass_by_value)]
        #function
    }
}

/// Makes a trait with async methods usable as `dyn Trait`.
pub(crate) fn async_trait(enact: &Enact) -> TokenStream {
    quote::quote!(#[#enact::__private::async_trait])
}
