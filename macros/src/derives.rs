//! The derives by which a value travels: serde's, and schemars' for its schema.

use darling::ast::NestedMeta;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Meta, Path, Token};

use crate::crate_path::Enact;

/// Which derives an item is given, besides serde's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    /// It has a schema, which refuses fields that it does not name (r11).
    Strict,
    /// It has a schema.
    Open,
    /// It has one only if the user asks for it, by a `#[schemars(…)]` or a derive.
    OnRequest,
}

/// The item, with the derives that its author has not written.
///
/// The paths go through `enact`, so that a user needs neither crate among their dependencies.
pub(crate) fn derived(enact: &Enact, input: &DeriveInput, schema: Schema) -> TokenStream {
    let written = Written::of(input);
    let schema_wanted = schema != Schema::OnRequest || written.uses_schemars;

    let serde = quote!(#enact::__private::serde);
    let schemars = quote!(#enact::__private::schemars);

    let mut derives = Vec::new();
    let mut attributes = Vec::new();
    for derive in ["Serialize", "Deserialize"] {
        if !written.derives(derive) {
            let derive = format_ident!("{derive}");
            derives.push(quote!(#serde::#derive));
        }
    }
    if !written.serde("crate") {
        let path = serde.to_string();
        attributes.push(quote!(#[serde(crate = #path)]));
    }
    if schema == Schema::Strict && !written.serde("deny_unknown_fields") {
        attributes.push(quote!(#[serde(deny_unknown_fields)]));
    }
    if schema_wanted && !written.derives("JsonSchema") {
        derives.push(quote!(#schemars::JsonSchema));
    }
    if schema_wanted && !written.schemars("crate") {
        let path = schemars.to_string();
        attributes.push(quote!(#[schemars(crate = #path)]));
    }

    // Helper attributes come after the derives that know them, ours and the author's.
    let derive = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let (before, after) = (&input.attrs, bare(input));
    quote!(#derive #(#before)* #(#attributes)* #after)
}

fn bare(input: &DeriveInput) -> DeriveInput {
    DeriveInput { attrs: Vec::new(), ..input.clone() }
}

/// What the author has written themselves.
struct Written {
    derives: Vec<String>,
    serde: Vec<Path>,
    schemars: Vec<Path>,
    uses_schemars: bool,
}

impl Written {
    fn of(input: &DeriveInput) -> Self {
        let derives: Vec<_> = input.attrs.iter().flat_map(derives_of).collect();
        let uses_schemars = derives.iter().any(|name| name == "JsonSchema")
            || attributes(input).any(|attribute| attribute.path().is_ident("schemars"));
        Self {
            derives,
            serde: options_of(input, "serde"),
            schemars: options_of(input, "schemars"),
            uses_schemars,
        }
    }

    fn derives(&self, name: &str) -> bool {
        self.derives.iter().any(|derive| derive == name)
    }

    fn serde(&self, option: &str) -> bool {
        self.serde.iter().any(|path| path.is_ident(option))
    }

    fn schemars(&self, option: &str) -> bool {
        self.schemars.iter().any(|path| path.is_ident(option))
    }
}

/// The names in a `#[derive(…)]`, without their paths.
fn derives_of(attribute: &Attribute) -> Vec<String> {
    if !attribute.path().is_ident("derive") {
        return Vec::new();
    }
    let paths =
        attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).unwrap_or_default();
    paths.iter().filter_map(|path| path.segments.last()).map(|last| last.ident.unraw().to_string()).collect()
}

/// The options in the item's own `#[name(…)]`.
fn options_of(input: &DeriveInput, name: &str) -> Vec<Path> {
    let lists = input.attrs.iter().filter(|attribute| attribute.path().is_ident(name));
    lists
        .filter_map(|attribute| attribute.meta.require_list().ok())
        .filter_map(|list| NestedMeta::parse_meta_list(list.tokens.clone()).ok())
        .flatten()
        .filter_map(|option| match option {
            NestedMeta::Meta(Meta::Path(path)) => Some(path),
            NestedMeta::Meta(Meta::NameValue(meta)) => Some(meta.path),
            _ => None,
        })
        .collect()
}

/// The attributes of the item and of its fields.
fn attributes(input: &DeriveInput) -> impl Iterator<Item = &Attribute> {
    let of_fields: Vec<_> = match &input.data {
        Data::Struct(data) => data.fields.iter().flat_map(|field| &field.attrs).collect(),
        Data::Enum(_) | Data::Union(_) => Vec::new(),
    };
    input.attrs.iter().chain(of_fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(item: TokenStream, schema: Schema) -> String {
        let input = syn::parse2(item).expect("the item of a test can be parsed");
        super::derived(&Enact::unnamed(), &input, schema).to_string()
    }

    #[test]
    fn a_derive_of_the_author_is_not_repeated() {
        let text = derived(
            quote!(
                #[derive(Clone, serde::Serialize)]
                struct A {}
            ),
            Schema::Strict,
        );
        assert_eq!(text.matches("Serialize").count(), 1, "{text}");
        assert!(text.contains("Deserialize") && text.contains("JsonSchema"), "{text}");
    }

    #[test]
    fn a_serde_option_of_the_author_is_not_repeated() {
        let text = derived(
            quote!(
                #[serde(deny_unknown_fields)]
                struct A {}
            ),
            Schema::Strict,
        );
        assert_eq!(text.matches("deny_unknown_fields").count(), 1, "{text}");
    }

    #[test]
    fn a_schema_on_request_is_made_when_a_field_asks() {
        let silent = quote!(
            struct A {
                n: u8,
            }
        );
        let asking = quote!(
            struct A {
                #[schemars(range(min = 1))]
                n: u8,
            }
        );
        assert!(!derived(silent, Schema::OnRequest).contains("JsonSchema"));
        assert!(derived(asking, Schema::OnRequest).contains("JsonSchema"));
    }
}
