//! `#[strategy]`: on a trait it declares a strategy; `#[strategy(variant)]` on an `impl` declares a variant, and
//! `#[strategy(policy)]` on a function the policy.

mod declaration;
mod place;
mod policy;
mod variant;

use proc_macro2::TokenStream;

use crate::item::{Item, misplaced};

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
