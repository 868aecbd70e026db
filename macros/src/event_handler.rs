//! `#[event_handler]`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;
use syn::Meta;
use syn::ext::IdentExt;

use crate::command::HandlerOptions;
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{self, hidden_beside, reemitted_handler, register};
use crate::item::{Function, Item, misplaced};
use crate::options::{self, Options, Setting, Text, Texts};
use crate::settings::{self, SettingsOptions};
use crate::signature::{HandlerKind, HandlerSignature};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Function(mut function) = Item::parse(&item) else {
        return misplaced("#[event_handler]", "a function; the event itself has `#[event]`", item);
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut function.attrs, &mut errors);
    let options = options::parse(args, &mut errors).options;
    let handler = EventHandler::check(options, &function, &mut errors);
    let expansion = if errors.is_empty() { handler.expand(&enact, &function) } else { TokenStream::new() };
    let hidden = hidden_beside(&function, &expansion);
    TokenStream::from_iter([reemitted_handler(&function), hidden, errors.report()])
}

const KIND: HandlerKind = HandlerKind { noun: "an event handler", message: "event", binds_entity: false };

#[derive(FromMeta)]
pub(crate) struct EventHandlerOptions {
    name: Option<Setting<Text>>,
    alias: Option<Setting<Texts>>,
    #[darling(flatten)]
    settings: SettingsOptions,
}

impl Options for EventHandlerOptions {
    const ATTRIBUTE: &'static str = "`#[event_handler]`";

    fn advice(unknown: &Meta) -> Option<String> {
        let advice = "it belongs on the handler of a command. An event handler binds no entity and does not recur: publish a \
                      command that does, or emit the event from one";
        options::exists_in::<HandlerOptions>(unknown).then(|| advice.to_owned())
    }
}

struct EventHandler<'a> {
    name: String,
    alias: Option<Setting<Texts>>,
    settings: SettingsOptions,
    signature: HandlerSignature<'a>,
}

impl<'a> EventHandler<'a> {
    fn check(options: EventHandlerOptions, function: &'a Function, errors: &mut Errors) -> Self {
        let EventHandlerOptions { name, alias, settings } = options;
        let signature = HandlerSignature::check(KIND, &function.sig, errors);
        let name = name.map_or_else(|| signature.name.unraw().to_string(), |name| name.value.0);
        Self { name, alias, settings, signature }
    }

    fn expand(&self, enact: &Enact, function: &Function) -> TokenStream {
        let name = &self.name;
        let Some(event) = self.signature.message else {
            return TokenStream::new();
        };
        let aliases = expansion::aliases(self.alias.as_ref());
        let common = settings::handler(enact, &self.settings, &self.signature, function);
        let handle = self.signature.handle(enact, event, &quote!(()));
        let registration = register(enact, &quote!(event_handler::<__Handler>));
        quote! {
            #common
            impl #enact::EventHandler for __Handler {
                const NAME: &'static str = #name;
                #aliases
                type Event = #event;
                #handle
            }
            #registration
        }
    }
}
