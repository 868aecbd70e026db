//! `#[command]`: on a struct it declares a command, on a function it declares the handler.

mod declaration;
mod handler;

use proc_macro2::TokenStream;

pub(crate) use self::declaration::DeclarationOptions;
pub(crate) use self::handler::HandlerOptions;
use crate::item::{Item, misplaced};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    match Item::parse(&item) {
        Item::Type(input) => declaration::expand(args, *input),
        Item::Function(function) => handler::expand(args, *function),
        Item::Trait(_) | Item::Impl(_) | Item::Other => misplaced(
            "#[command]",
            "a struct, to declare a command, or on a function, to declare its handler",
            item,
        ),
    }
}
