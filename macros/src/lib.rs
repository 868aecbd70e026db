#![doc = include_str!("../docs/crate.md")]
#![forbid(unsafe_code)]

mod command;
mod constraints;
mod constructs;
mod crate_path;
mod derives;
mod docs;
mod entity;
mod errors;
mod event;
mod event_handler;
mod expansion;
mod failure;
mod invariant;
mod item;
mod options;
mod record;
mod schedule;
mod schema_hints;
mod settings;
mod signature;
mod snake_case;
#[cfg(test)]
mod snapshots;
mod strategy;
mod value;

use proc_macro::TokenStream;

#[doc = include_str!("../docs/command.md")]
#[proc_macro_attribute]
pub fn command(args: TokenStream, item: TokenStream) -> TokenStream {
    command::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/event.md")]
#[proc_macro_attribute]
pub fn event(args: TokenStream, item: TokenStream) -> TokenStream {
    event::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/entity.md")]
#[proc_macro_attribute]
pub fn entity(args: TokenStream, item: TokenStream) -> TokenStream {
    entity::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/value.md")]
#[proc_macro_attribute]
pub fn value(args: TokenStream, item: TokenStream) -> TokenStream {
    value::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/event_handler.md")]
#[proc_macro_attribute]
pub fn event_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    event_handler::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/invariant.md")]
#[proc_macro_attribute]
pub fn invariant(args: TokenStream, item: TokenStream) -> TokenStream {
    invariant::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/strategy.md")]
#[proc_macro_attribute]
pub fn strategy(args: TokenStream, item: TokenStream) -> TokenStream {
    strategy::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/failure.md")]
#[proc_macro_derive(Failure, attributes(failure, enact))]
pub fn failure(item: TokenStream) -> TokenStream {
    failure::expand(item.into()).into()
}
