//! What schemars does not know of a type, as `#[schemars(…)]` attributes that are added to it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, parse_quote};

use crate::crate_path::Enact;

/// The item with attributes for schemars.
pub(crate) fn added(enact: &Enact, input: &DeriveInput) -> DeriveInput {
    let mut input = input.clone();
    match &mut input.data {
        Data::Struct(data) if has_no_fields(&data.fields) => {
            // schemars says only that it is an object, as a type does that accepts any object.
            input.attrs.push(parse_quote!(#[schemars(extend("properties" = {}))]));
        }
        Data::Enum(data) => {
            let no_fields = path(enact, &quote!(NoFields));
            for variant in data.variants.iter_mut().filter(|variant| has_no_fields(&variant.fields)) {
                variant.attrs.push(parse_quote!(#[schemars(with = #no_fields)]));
            }
        }
        Data::Struct(_) | Data::Union(_) => {}
    }
    input
}

/// Whether it is written as `{}`.
fn has_no_fields(fields: &Fields) -> bool {
    matches!(fields, Fields::Named(fields) if fields.named.is_empty())
}

/// The path of an item of `enact::__private`, as the text of an option.
fn path(enact: &Enact, item: &TokenStream) -> String {
    quote!(#enact::__private::#item).to_string()
}
