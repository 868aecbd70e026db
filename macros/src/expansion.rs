//! What all expansions have in common.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;

use crate::crate_path::Enact;
use crate::item::Function;
use crate::options::{Setting, Texts};

/// Puts generated items where no one can name them, and under the conditions (`#[cfg]`) and permissions (`#[allow]`)
/// of the item that they are made for.
///
/// Their paths stand at the user's own tokens, and a crate path that is no absolute one may name what is in scope anyway. What
/// is deprecated is wired all the same.
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

/// What is generated for a function: nothing if it is a method, since `impl` blocks have no place for it.
pub(crate) fn hidden_beside(function: &Function, items: &TokenStream) -> TokenStream {
    if function.sig.receiver().is_some() { TokenStream::new() } else { hidden(&function.attrs, items) }
}

/// Makes a part known to `start()`: `register(enact, &quote!(entity::<Account>))`.
pub(crate) fn register(enact: &Enact, part: &TokenStream) -> TokenStream {
    quote!(#enact::register! { #enact::Registration::#part(#enact::source!()) })
}

/// What only the compiler can know, and no bound of an implementation says: `proof(enact, &quote!(…))`, in terms of
/// `enact::__private::assert`.
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
/// That it is `async` and takes its message by value is the attribute's demand and no choice of its author's, who is
/// therefore not told by clippy that it need not be.
pub(crate) fn reemitted_handler(function: &Function) -> TokenStream {
    quote! {
        #[allow(clippy::unused_async, clippy::needless_pass_by_value)]
        #function
    }
}

/// An invariant's function, unchanged. That it takes references is the attribute's demand.
pub(crate) fn reemitted_invariant(function: &Function) -> TokenStream {
    quote! {
        #[allow(clippy::trivially_copy_pass_by_ref)]
        #function
    }
}

/// A policy's function, unchanged. That it is given what it draws by value is the attribute's demand.
pub(crate) fn reemitted_policy(function: &Function) -> TokenStream {
    quote! {
        #[allow(clippy::needless_pass_by_value)]
        #function
    }
}
