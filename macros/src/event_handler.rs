//! `#[event_handler]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Expr;
use syn::ext::IdentExt;

use crate::constructs::constructs;
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{self, hidden_beside, reemitted_handler, register};
use crate::item::{Function, Item, misplaced};
use crate::options::{Options, Setting};
use crate::signature::{self, HandlerKind, HandlerSignature};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Function(mut function) = Item::parse(&item) else {
        return misplaced("#[event_handler]", "a function; the event itself has `#[event]`", item);
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut function.attrs, &mut errors);
    let options = EventHandlerOptions::parse(args, &mut errors);
    let handler = EventHandler::check(options, &function, &mut errors);
    let expansion =
        if errors.is_empty() { handler.expand(&enact, &constructs(&function)) } else { TokenStream::new() };
    let hidden = hidden_beside(&function, &expansion);
    TokenStream::from_iter([reemitted_handler(&function), hidden, errors.report()])
}

const KIND: HandlerKind = HandlerKind { noun: "an event's handler", message: "event", binds_entity: false };

struct EventHandlerOptions {
    name: Option<String>,
    aliases: Vec<String>,
    retry: Option<Expr>,
    timeout: Option<Expr>,
    queue: Option<String>,
}

impl EventHandlerOptions {
    fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::parse("`#[event_handler]`", args, errors);
        let parsed = Self {
            name: options.text("name", errors),
            aliases: options.texts("alias", errors),
            retry: options.value("retry", "Retry::…", errors).map(|Setting { value, .. }| value),
            timeout: options.value("timeout", "Duration::…", errors).map(|Setting { value, .. }| value),
            queue: options.text("queue", errors),
        };
        let whither = "an event's handler binds no entity; publish a command that does";
        options.misplaced(&["create", "stateless"], whither, errors);
        let whither = "an event's handler runs when the event has occurred; what recurs is a command, so write one, and its \
                       handler with this option, and have that emit the event";
        options.misplaced(&["every", "cron", "missed"], whither, errors);
        options.finish(errors);
        parsed
    }
}

struct EventHandler<'a> {
    name: String,
    aliases: Vec<String>,
    retry: Option<Expr>,
    timeout: Option<Expr>,
    queue: Option<String>,
    signature: HandlerSignature<'a>,
}

impl<'a> EventHandler<'a> {
    fn check(options: EventHandlerOptions, function: &'a Function, errors: &mut Errors) -> Self {
        let signature = HandlerSignature::check(KIND, &function.sig, errors);
        let name = options.name.unwrap_or_else(|| signature.name.unraw().to_string());
        let EventHandlerOptions { aliases, retry, timeout, queue, .. } = options;
        Self { name, aliases, retry, timeout, queue, signature }
    }

    fn expand(&self, enact: &Enact, constructs: &TokenStream) -> TokenStream {
        let name = &self.name;
        let Some(event) = self.signature.message else {
            return TokenStream::new();
        };
        let retry = signature::retry(enact, self.retry.as_ref());
        let timeout = signature::timeout(self.timeout.as_ref());
        let aliases = expansion::aliases(&self.aliases);
        let queue = expansion::queue(self.queue.as_ref());
        let requires = self.signature.requires(enact);
        let handle = self.signature.handle(enact, event, &quote!(()));
        let registration = register(enact, &quote!(event_handler::<__Handler>));
        quote! {
            struct __Handler;
            impl #enact::EventHandler for __Handler {
                const NAME: &'static str = #name;
                #aliases
                #queue
                #constructs
                type Event = #event;
                #retry
                #timeout
                #requires
                #handle
            }
            #registration
        }
    }
}
