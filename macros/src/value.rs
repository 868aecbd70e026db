//! `#[value]`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Data, DeriveInput, Meta};

use crate::constraints;
use crate::crate_path::Enact;
use crate::derives::{self, Schema};
use crate::errors::Errors;
use crate::item::{Item, misplaced};
use crate::options::{self, Options};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Type(mut input) = Item::parse(&item) else {
        return misplaced("#[value]", "a struct or an enum", item);
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut input.attrs, &mut errors);
    options::parse::<ValueOptions>(args, &mut errors);
    check_union(&input, &mut errors);
    constraints::check(&input, &mut errors);
    let expansion = match input.data {
        Data::Struct(_) | Data::Enum(_) => derives::derived(&enact, &input, Schema::Always),
        Data::Union(_) => input.to_token_stream(),
    };
    TokenStream::from_iter([expansion, errors.report()])
}

#[derive(FromMeta)]
struct ValueOptions {}

impl Options for ValueOptions {
    const ATTRIBUTE: &'static str = "`#[value]`";

    fn advice(_: &Meta) -> Option<String> {
        Some("it has no options".to_owned())
    }
}

/// A union does not record which of its fields is set.
fn check_union(input: &DeriveInput, errors: &mut Errors) {
    if let Data::Union(data) = &input.data {
        errors.add(
            data.union_token,
            "a union cannot be written as JSON, because it does not record which field is set: use an enum",
        );
    }
}
