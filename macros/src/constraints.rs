//! The schema constraints of fields, written into the schema with their places in the source.
//!
//! schemars inserts a constraint if the schema of the field itself shows a type that it is for, and drops it silently otherwise. So the
//! constraints are also written as `x-enact-constraints`, from which the runtime applies them behind references, and reports those that
//! are for other types.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Field, Lit, LitStr, Meta, MetaList, Token, parse_quote,
};

use crate::errors::Errors;
use crate::schema_hints::has_option;

/// Writes the constraints of a field into its schema. `owner` is the type or variant, for messages.
pub(crate) fn record(owner: &str, index: usize, field: &mut Field) {
    let rules: Vec<_> = constraints(&field.attrs).iter().filter_map(rule).collect();
    if rules.is_empty() {
        return;
    }
    let (name, span) = match &field.ident {
        Some(ident) => (ident.unraw().to_string(), ident.span()),
        None => (index.to_string(), field.ty.span()),
    };
    let name = format!("{owner}.{name}");
    let place = quote_spanned!(span=> "file": ::core::file!(), "line": ::core::line!());
    field.attrs.push(parse_quote! {
        #[schemars(extend("x-enact-constraints" = { #place, "field": #name, "rules": [#(#rules),*] }))]
    });
}

/// Reports constraints that are in no schema, whatever the types are.
pub(crate) fn check(input: &DeriveInput, errors: &mut Errors) {
    let foreign = ["from", "try_from"].into_iter().find(|option| has_option(&input.attrs, option));
    let fields: Vec<_> = match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        Data::Union(_) => return,
    };
    for field in fields {
        let reason = if let Some(option) = foreign {
            format!(
                "because `{}` is read as the type in `{option}`, by the schema of that type: put it there, or write the keyword on \
                 `{0}`, as in `#[schemars(extend(\"minLength\" = 1))]`",
                input.ident
            )
        } else if has_option(&field.attrs, "flatten") {
            "because a flattened field is no value of its own in the JSON: put it on the fields of its type"
                .to_owned()
        } else if has_option(&field.attrs, "skip") || has_option(&field.attrs, "skip_deserializing") {
            "because the field is never read: remove one of the two".to_owned()
        } else {
            continue;
        };
        for constraint in constraints(&field.attrs).iter().filter(|constraint| rule(constraint).is_some()) {
            let name = constraint.path().to_token_stream();
            errors.add(constraint, format!("the constraint `{name}` would never be checked, {reason}"));
        }
    }
}

/// The options of the attributes in which schemars looks for constraints.
fn constraints(attrs: &[Attribute]) -> Vec<Meta> {
    let is_read = |attribute: &&Attribute| {
        ["schemars", "validate", "garde"].iter().any(|name| attribute.path().is_ident(name))
    };
    let lists = attrs.iter().filter(is_read).filter_map(|attribute| attribute.meta.require_list().ok());
    lists.flat_map(|list| options(&list.tokens)).collect()
}

/// A constraint as JSON, for the runtime; `None` for another option.
fn rule(option: &Meta) -> Option<TokenStream> {
    let name = option.path().get_ident()?.to_string();
    match (&*name, option) {
        ("email" | "url" | "ip" | "ipv4" | "ipv6", _) => Some(quote!({ "name": #name })),
        ("length" | "range", Meta::List(list)) => {
            let bound = |option: Meta| {
                let name = option.path().get_ident()?.to_string();
                let value = value(option).filter(|_| ["min", "max", "equal"].contains(&&*name))?;
                Some(quote!(#name: #value))
            };
            let bounds = options(&list.tokens).into_iter().filter_map(bound);
            Some(quote!({ "name": #name, #(#bounds),* }))
        }
        ("pattern" | "regex" | "contains", Meta::List(list)) => {
            let text = text(list)?;
            Some(quote!({ "name": #name, "text": (#text).to_string() }))
        }
        ("inner", Meta::List(list)) => {
            let options = options(&list.tokens);
            let rules = options.iter().filter_map(rule);
            Some(quote!({ "name": #name, "rules": [#(#rules),*] }))
        }
        ("extend", Meta::List(list)) => {
            let keywords = keywords(&list.tokens);
            Some(quote!({ "name": #name, "keywords": [#(#keywords),*] }))
        }
        _ => None,
    }
}

/// The text of `pattern("…")`, `regex(pattern = "…")` or `contains("…")`.
fn text(list: &MetaList) -> Option<Expr> {
    let named = options(&list.tokens).into_iter().find_map(|option| {
        let is_text = option.path().is_ident("pattern") || option.path().is_ident("path");
        value(option).filter(|_| is_text)
    });
    named.or_else(|| syn::parse2(list.tokens.clone()).ok())
}

/// The value of an option; of one in a text, as `validator` has them, what the text says.
fn value(option: Meta) -> Option<Expr> {
    match option {
        Meta::NameValue(option) => match option.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.parse().ok().or(Some(parse_quote!(#text))),
            value => Some(value),
        },
        _ => None,
    }
}

/// The keywords of `extend("keyword" = value, …)`.
fn keywords(tokens: &TokenStream) -> Vec<LitStr> {
    let keyword = |tokens: TokenStream| {
        let parser = |input: syn::parse::ParseStream<'_>| {
            let keyword: LitStr = input.parse()?;
            input.parse::<Token![=]>()?;
            input.parse::<TokenStream>()?;
            Ok(keyword)
        };
        parser.parse2(tokens).ok()
    };
    split(tokens).into_iter().filter_map(keyword).collect()
}

/// The options in the parentheses of an attribute. What is not one is reported by schemars.
fn options(tokens: &TokenStream) -> Vec<Meta> {
    split(tokens).into_iter().filter_map(|option| syn::parse2(option).ok()).collect()
}

/// The parts between commas.
fn split(tokens: &TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    tokens.split(is_comma).map(|part| part.iter().cloned().collect()).collect()
}
