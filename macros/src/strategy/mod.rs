//! `#[strategy]`: on a trait it declares a strategy; `#[strategy(variant)]` on an `impl` declares a variant, and
//! `#[strategy(policy)]` on a function the policy.

mod declaration;
mod policy;
mod variant;

use proc_macro2::TokenStream;
use syn::{GenericArgument, Meta, PathArguments, Type, TypeParamBound, TypePath};

use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::item::{Item, misplaced};
use crate::options::{Parsed, Word};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    match Item::parse(&item) {
        Item::Trait(item) => declaration::expand(args, *item),
        Item::Impl(item) => variant::expand(args, *item),
        Item::Function(function) => policy::expand(args, *function),
        Item::Type(_) | Item::Other => misplaced(
            "#[strategy]",
            "a trait, to declare a strategy; write `#[strategy(variant)]` on an `impl` of it, and `#[strategy(policy)]` on the \
             function that chooses a variant",
            item,
        ),
    }
}

/// An item that `#[strategy]` goes on.
#[derive(Clone, Copy)]
enum Place {
    Trait,
    Impl,
    Function,
}

impl Place {
    /// What the item is, and what to write above it.
    fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::Trait => ("a trait, so it is the strategy", "#[strategy]"),
            Self::Impl => ("an `impl`, so it is a variant of a strategy", "#[strategy(variant)]"),
            Self::Function => ("a function, so it is the policy", "#[strategy(policy)]"),
        }
    }

    /// What to do about the word of another item.
    fn advice(self, unknown: &Meta) -> Option<String> {
        let (item, attribute) = self.describe();
        let is_word = ["variant", "policy"].iter().any(|word| unknown.path().is_ident(word));
        is_word.then(|| format!("this is {item}: write `{attribute}`"))
    }

    /// The word says what the item is. A wrong word has been reported as an option that does not exist.
    fn check_word<T>(self, word: Option<&Word>, parsed: &Parsed<T>, errors: &mut Errors) {
        if word.is_none() && !parsed.rejects_any() {
            let (item, attribute) = self.describe();
            errors.add_at_attribute(format!("this is {item}: write `{attribute}`"));
        }
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

/// Makes a trait with async methods usable as `dyn Trait`.
fn async_trait(enact: &Enact) -> TokenStream {
    quote::quote!(#[#enact::__private::async_trait])
}
