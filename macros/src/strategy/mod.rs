//! `#[strategy]`: on a trait it declares a strategy; `#[strategy(variant)]` on an `impl` declares a variant, and
//! `#[strategy(policy)]` on a function the policy.

mod declaration;
mod policy;
mod variant;

use proc_macro2::TokenStream;
use syn::{GenericArgument, PathArguments, Type, TypeParamBound, TypePath};

use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::item::{Item, misplaced};
use crate::options::Options;

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    match Item::parse(&item) {
        Item::Trait(item) => declaration::expand(args, *item),
        Item::Impl(item) => variant::expand(args, *item),
        Item::Function(function) => policy::expand(args, *function),
        Item::Type(_) | Item::Other => misplaced(
            "#[strategy]",
            "the trait that is the strategy, as `#[strategy(variant)]` on an `impl` of it, and as \
             `#[strategy(policy)]` on the function that chooses",
            item,
        ),
    }
}

/// What the word in the parentheses says that the item is. Left out, or another one, it is an error that names the right one.
fn check_word(options: &mut Options, wanted: &'static str, item: &str, errors: &mut Errors) {
    let words = [("variant", "an `impl` of the strategy"), ("policy", "the function that chooses a variant")];
    let mut said = options.seems_given(wanted);
    for (word, place) in words {
        if word == wanted {
            said |= options.flag(word, errors).is_some();
        } else if let Some(word_at) = options.stray(word) {
            said = true;
            let fix =
                if wanted.is_empty() { "#[strategy]".to_owned() } else { format!("#[strategy({wanted})]") };
            errors.add(word_at, format!("`{word}` is said of {place}, and this is {item}: write `{fix}`"));
        }
    }
    if !said && !wanted.is_empty() {
        errors.add_at_attribute(format!("this is {item}: write `#[strategy({wanted})]`"));
    }
}

/// The `dyn Trait` in `Box<dyn Trait>`.
fn boxed_dyn(ty: &Type) -> Option<&Type> {
    let Type::Path(TypePath { path, .. }) = ty else { return None };
    let last = path.segments.last().filter(|segment| segment.ident == "Box")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let GenericArgument::Type(inner) = arguments.args.first()? else { return None };
    let Type::TraitObject(object) = inner else { return None };
    let is_trait = object.bounds.iter().any(|bound| matches!(bound, TypeParamBound::Trait(_)));
    is_trait.then_some(inner)
}

/// Makes async methods of a trait fit for `dyn Trait`.
fn async_trait(enact: &Enact) -> TokenStream {
    quote::quote!(#[#enact::__private::async_trait])
}
