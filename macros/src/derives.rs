//! The derives of stored types: serde's, and schemars' for the schema.

use std::collections::BTreeSet;

use darling::ast::NestedMeta;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Field, Ident, Meta, Path, Token, Type, TypePath, parse_quote};

use crate::crate_path::Enact;
use crate::schema_hints;

/// Whether an item derives `JsonSchema`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    Always,
    /// Only if the user asks for it, by a `#[schemars(…)]` or a derive.
    OnRequest,
}

/// The item with the missing derives.
///
/// Their paths go through `enact`, so that users need neither crate as a dependency.
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
    if schema_wanted && !written.derives("JsonSchema") {
        derives.push(quote!(#schemars::JsonSchema));
    }
    if schema_wanted && !written.schemars("crate") {
        let path = schemars.to_string();
        attributes.push(quote!(#[schemars(crate = #path)]));
    }

    // Helper attributes must follow the derives that declare them.
    let derive = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let hinted = if schema_wanted { schema_hints::added(enact, input) } else { input.clone() };
    let (before, after) = (&hinted.attrs, bare(&hinted));
    quote!(#derive #(#before)* #(#attributes)* #after)
}

/// The item with bounds on the types of its fields (`MessageField`, `EntityField`). A field type without serde is then one error
/// where the item is declared, instead of several in serde's code. (schemars takes no bounds for a type without parameters,
/// so it reports a missing schema itself.)
///
/// Not used for `#[value]`, which may contain itself. Left to the derives are fields with serde or schemars options or `#[cfg]`,
/// all fields of an item with such options, and types with parameters such as `Vec<…>`, through which an item may contain
/// itself. (An alias hides its parameters. An item that contains itself through an alias needs an option such as
/// `#[serde(default)]` on that field.)
pub(crate) fn bounded(enact: &Enact, input: &DeriveInput, schema: Schema) -> DeriveInput {
    let mut input = input.clone();
    let bound = if schema == Schema::OnRequest { "EntityField" } else { "MessageField" };
    let types: BTreeSet<_> = fields(&input).filter_map(|field| bounded_type(&input, field)).collect();
    if !types.is_empty() {
        let bound = format_ident!("{bound}");
        let bound = quote!(#enact::__private::#bound).to_string();
        let bounds: Vec<_> = types.iter().map(|ty| format!("for<'__any> {ty}: {bound}")).collect();
        let bounds = bounds.join(", ");
        input.attrs.push(parse_quote!(#[serde(bound = #bounds)]));
    }
    input
}

/// The type of a field, if it gets a bound. Primitive types need none, a `$crate` path cannot be written as text, and a bound
/// on a type that contains the item would be circular.
pub(crate) fn bounded_type(input: &DeriveInput, field: &Field) -> Option<String> {
    let ty = field.ty.to_token_stream();
    let is_sought = |ident: &Ident| *ident == "Self" || *ident == "$crate" || *ident == input.ident;
    let is_bounded = has_no_parameters(&field.ty)
        && is_plain(&input.attrs)
        && is_plain(&field.attrs)
        && !mentions(ty.clone(), &is_sought);
    Some(ty.to_string()).filter(|ty| is_bounded && !SIMPLE.contains(&ty.as_str()))
}

fn has_no_parameters(ty: &Type) -> bool {
    let Type::Path(TypePath { path, .. }) = ty else { return false };
    path.segments.iter().all(|segment| segment.arguments.is_none())
}

fn fields(input: &DeriveInput) -> impl Iterator<Item = &Field> {
    let fields = match &input.data {
        Data::Struct(data) => Some(&data.fields),
        Data::Enum(_) | Data::Union(_) => None,
    };
    fields.into_iter().flatten()
}

/// Whether no attribute changes what the derives require.
fn is_plain(attrs: &[Attribute]) -> bool {
    let changes = ["serde", "schemars", "cfg", "cfg_attr"];
    !attrs.iter().any(|attribute| changes.iter().any(|name| attribute.path().is_ident(name)))
}

/// Types that meet every bound.
const SIMPLE: [&str; 13] =
    ["bool", "String", "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize", "f64"];

fn mentions(tokens: TokenStream, is_sought: &impl Fn(&Ident) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => is_sought(&ident),
        TokenTree::Group(group) => mentions(group.stream(), is_sought),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn bare(input: &DeriveInput) -> DeriveInput {
    DeriveInput { attrs: Vec::new(), ..input.clone() }
}

/// The derives and options that the user has written.
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

    #[test]
    fn a_field_that_is_left_to_the_derives_gets_no_bound() {
        let bounded = |item: TokenStream| {
            let input: DeriveInput = syn::parse2(item).expect("the item of a test can be parsed");
            fields(&input).filter_map(|field| bounded_type(&input, field)).collect::<Vec<_>>()
        };
        let fields = quote! {
            plain: Id,
            simple: String,
            own: Vec<A>,
            #[serde(with = "text")]
            written: Id,
            #[cfg(any())]
            absent: Id,
        };
        assert_eq!(bounded(quote!(struct A { #fields })), ["Id"]);
        assert!(bounded(quote!(#[serde(from = "u8")] struct A { #fields })).is_empty());
    }

    fn derived(item: TokenStream, schema: Schema) -> String {
        let input = syn::parse2(item).expect("the item of a test can be parsed");
        super::derived(&Enact::unnamed(), &input, schema).to_string()
    }

    #[test]
    fn a_written_derive_is_not_repeated() {
        let text = derived(
            quote!(
                #[derive(Clone, serde::Serialize)]
                struct A {}
            ),
            Schema::Always,
        );
        assert_eq!(text.matches("Serialize").count(), 1, "{text}");
        assert!(text.contains("Deserialize") && text.contains("JsonSchema"), "{text}");
    }

    #[test]
    fn a_written_crate_path_is_kept() {
        let item = quote!(
            #[serde(default, crate = "their_serde")]
            struct A {}
        );
        let text = derived(item, Schema::OnRequest);
        assert_eq!(text.matches("crate =").count(), 1, "{text}");
    }

    #[test]
    fn a_schema_attribute_on_a_field_requests_a_schema() {
        let plain = quote!(
            struct A {
                n: u8,
            }
        );
        let constrained = quote!(
            struct A {
                #[schemars(range(min = 1))]
                n: u8,
            }
        );
        assert!(!derived(plain, Schema::OnRequest).contains("JsonSchema"));
        assert!(derived(constrained, Schema::OnRequest).contains("JsonSchema"));
    }
}
