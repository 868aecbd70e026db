//! `#[event]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::DeriveInput;

use crate::crate_path::Enact;
use crate::derives::{self, Schema};
use crate::errors::Errors;
use crate::expansion::{hidden, register};
use crate::item::{Item, misplaced};
use crate::options::Options;
use crate::record::{self, Shape};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Type(mut input) = Item::parse(&item) else {
        return misplaced(
            "#[event]",
            "the struct that is the event; its handlers have `#[event_handler]`",
            item,
        );
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut input.attrs, &mut errors);
    let options = EventOptions::parse(args, &mut errors);
    let event = Event::check(options, &input, &mut errors);
    let expansion = event.expand(&enact, &input);
    TokenStream::from_iter([expansion, errors.report()])
}

const SHAPE: Shape = Shape { noun: "an event", smallest: "{}" };

struct EventOptions {
    name: Option<String>,
}

impl EventOptions {
    fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::parse("`#[event]`", args, errors);
        let parsed = Self { name: options.text("name", errors) };
        options.misplaced(
            &["target"],
            "an event is a fact, which happens to no one in particular; commands have targets",
            errors,
        );
        options.misplaced(
            &["retry"],
            "it says how the event is handled, so it goes on an `#[event_handler]`",
            errors,
        );
        options.finish(errors);
        parsed
    }
}

struct Event {
    name: String,
}

impl Event {
    fn check(options: EventOptions, input: &DeriveInput, errors: &mut Errors) -> Self {
        record::check(SHAPE, input, errors);
        Self { name: record::name(input, options.name) }
    }

    fn expand(&self, enact: &Enact, input: &DeriveInput) -> TokenStream {
        if !record::can_be_implemented(input) {
            return input.to_token_stream();
        }
        let item = derives::derived(enact, &derives::bounded(enact, input, Schema::Open), Schema::Open);
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
