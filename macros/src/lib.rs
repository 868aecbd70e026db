//! placeholder until the attributes exist
use proc_macro::TokenStream;
macro_rules! pass { ($($n:ident)*) => { $( #[proc_macro_attribute] #[allow(missing_docs)] pub fn $n(_: TokenStream, i: TokenStream) -> TokenStream { i } )* } }
pass!(command entity event event_handler invariant value);
