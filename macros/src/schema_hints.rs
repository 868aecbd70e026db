//! What schemars does not know of a type, as `#[schemars(…)]` attributes that are added to it.
//!
//! schemars ignores serde's `alias` and `other`. They are written into the schema as `x-enact-aliases` and `x-enact-variant`, which the
//! runtime replaces by the names that they stand for: only the schema knows how a field is renamed.

use darling::ast::NestedMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Expr, ExprLit, Field, Fields, Lit, Meta, Variant, parse_quote};

use crate::constraints;
use crate::crate_path::Enact;

/// The item with attributes for schemars.
pub(crate) fn added(enact: &Enact, input: &DeriveInput) -> DeriveInput {
    let mut input = input.clone();
    let name = input.ident.unraw().to_string();
    let tag = option(&input.attrs, "tag").first().map(ToTokens::to_token_stream);
    match &mut input.data {
        Data::Struct(data) if has_no_fields(&data.fields) => {
            // schemars says only that it is an object, as a type does that accepts any object.
            input.attrs.push(parse_quote!(#[schemars(extend("properties" = {}))]));
        }
        Data::Struct(data) => add_to_fields(&name, &mut data.fields),
        Data::Enum(data) => {
            for variant in &mut data.variants {
                add_to_variant(enact, &name, variant, tag.as_ref());
            }
        }
        Data::Union(_) => {}
    }
    input
}

fn add_to_variant(enact: &Enact, ty: &str, variant: &mut Variant, tag: Option<&TokenStream>) {
    add_to_fields(&format!("{ty}::{}", variant.ident.unraw()), &mut variant.fields);
    if has_no_fields(&variant.fields) {
        let no_fields = quote!(#enact::__private::NoFields).to_string();
        variant.attrs.push(parse_quote!(#[schemars(with = #no_fields)]));
    }
    let aliases = option(&variant.attrs, "alias");
    let is_other = has_option(&variant.attrs, "other");
    if !aliases.is_empty() || is_other {
        let tag = tag.cloned().unwrap_or_else(|| quote!(null));
        variant.attrs.push(parse_quote! {
            #[schemars(extend("x-enact-variant" = { "tag": #tag, "aliases": [#(#aliases),*], "other": #is_other }))]
        });
    }
}

fn add_to_fields(owner: &str, fields: &mut Fields) {
    for (index, field) in fields.iter_mut().enumerate() {
        constraints::record(owner, index, field);
        add_aliases(field);
    }
}

fn add_aliases(field: &mut Field) {
    let aliases = option(&field.attrs, "alias");
    if !aliases.is_empty() && !has_option(&field.attrs, "flatten") {
        field.attrs.push(parse_quote!(#[schemars(extend("x-enact-aliases" = [#(#aliases),*]))]));
    }
}

/// Whether it is written as `{}`.
fn has_no_fields(fields: &Fields) -> bool {
    matches!(fields, Fields::Named(fields) if fields.named.is_empty())
}

/// The texts of an option in `#[serde(…)]`.
fn option(attrs: &[Attribute], name: &str) -> Vec<Lit> {
    let text = |option| match option {
        Meta::NameValue(option) if option.path.is_ident(name) => match option.value {
            Expr::Lit(ExprLit { lit: lit @ Lit::Str(_), .. }) => Some(lit),
            _ => None,
        },
        _ => None,
    };
    serde(attrs).filter_map(text).collect()
}

/// Whether `#[serde(…)]` has the option, with a value or without.
pub(crate) fn has_option(attrs: &[Attribute], name: &str) -> bool {
    serde(attrs).any(|option| option.path().is_ident(name))
}

/// The options in `#[serde(…)]`.
fn serde(attrs: &[Attribute]) -> impl Iterator<Item = Meta> {
    let lists = attrs.iter().filter(|attribute| attribute.path().is_ident("serde"));
    let options = lists.filter_map(|attribute| attribute.meta.require_list().ok());
    let options = options.filter_map(|list| NestedMeta::parse_meta_list(list.tokens.clone()).ok()).flatten();
    options.filter_map(|option| match option {
        NestedMeta::Meta(option) => Some(option),
        _ => None,
    })
}
