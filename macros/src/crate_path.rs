//! The path by which expansions reach the runtime crate.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// Absolute, so that no name in the user's scope can stand in its way.
pub(crate) fn enact() -> TokenStream {
    enact_at(Span::call_site())
}

/// The same, where errors are to be shown at a place of the user's.
pub(crate) fn enact_at(span: Span) -> TokenStream {
    quote_spanned!(span=> ::enact)
}
