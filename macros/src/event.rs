//! `#[event]`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, Meta};

use crate::command::DeclarationOptions;
use crate::constraints;
use crate::crate_path::Enact;
use crate::derives::{self, Schema};
use crate::errors::Errors;
use crate::event_handler::EventHandlerOptions;
use crate::expansion::{hidden, register};
use crate::item::{Item, misplaced};
use crate::options::{self, Options, Setting, Text};
use crate::record::{self, Shape};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Type(mut input) = Item::parse(&item) else {
        return misplaced("#[event]", "a struct; a handler of the event has `#[event_handler]`", item);
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut input.attrs, &mut errors);
    let options = options::parse(args, &mut errors).options;
    let event = Event::check(options, &input, &mut errors);
    let expansion = event.expand(&enact, &input);
    TokenStream::from_iter([expansion, errors.report()])
}

const SHAPE: Shape = Shape { noun: "an event", smallest: "{}" };

#[derive(FromMeta)]
struct EventOptions {
    name: Option<Setting<Text>>,
}

impl Options for EventOptions {
    const ATTRIBUTE: &'static str = "`#[event]`";

    fn advice(unknown: &Meta) -> Option<String> {
        let advice = if options::exists_in::<DeclarationOptions>(unknown) {
            "it is an option of a command; an event states what has happened"
        } else if options::exists_in::<EventHandlerOptions>(unknown) {
            "it says how the event is handled, so it belongs on an `#[event_handler]`"
        } else {
            return None;
        };
        Some(advice.to_owned())
    }
}

struct Event {
    name: String,
}

impl Event {
    fn check(options: EventOptions, input: &DeriveInput, errors: &mut Errors) -> Self {
        record::check(SHAPE, input, errors);
        constraints::check(input, errors);
        Self { name: record::name(input, options.name) }
    }

    fn expand(&self, enact: &Enact, input: &DeriveInput) -> TokenStream {
        if !record::can_be_implemented(input) {
            return input.to_token_stream();
        }
        let item = derives::derived(enact, &derives::bounded(enact, input, Schema::Always), Schema::Always);
        let (ident, name) = (&input.ident, &self.name);
        let header = quote_spanned!(ident.span()=> impl #enact::Event for #ident);
        let registration = register(enact, &quote!(event::<#ident>));
        let hidden = hidden(
            &input.attrs,
            &quote! {
                #header {
                    const NAME: &'static str = #name;
                }
                impl<__Entity: #enact::Entity> #enact::InvariantScope<__Entity> for #ident {}
                #registration
            },
        );
        quote!(#item #hidden)
    }
}
