//! `#[command]` on a function.

use darling::FromMeta;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Meta, Type};

use super::declaration::DeclarationOptions;
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{self, hidden_beside, reemitted_handler, register};
use crate::item::Function;
use crate::options::{
    self, CronPattern, DurationExpr, MissedExpr, Options, Parsed, Setting, Suggestion, Value, Word,
};
use crate::schedule::{OverlapPolicy, Schedule};
use crate::settings::{self, SettingsOptions};
use crate::signature::{self, HandlerKind, HandlerSignature};

pub(super) fn expand(args: TokenStream, mut function: Function) -> TokenStream {
    let mut errors = Errors::new();
    let enact = Enact::take(&mut function.attrs, &mut errors);
    let options = options::parse(args, &mut errors);
    let handler = Handler::check(options, &function, &mut errors);
    let expansion =
        if errors.is_empty() { handler.expand(&enact, &function) } else { handler.declare(&enact) };
    let hidden = hidden_beside(&function, &expansion);
    TokenStream::from_iter([reemitted_handler(&function), hidden, errors.report()])
}

const KIND: HandlerKind = HandlerKind { noun: "a command handler", message: "command", binds_entity: true };

#[derive(FromMeta)]
pub(crate) struct HandlerOptions {
    create: Option<Setting<CreationPolicy>>,
    stateless: Option<Word>,
    every: Option<Setting<DurationExpr>>,
    cron: Option<Setting<CronPattern>>,
    missed: Option<Setting<MissedExpr>>,
    overlap: Option<Setting<OverlapPolicy>>,
    #[darling(flatten)]
    settings: SettingsOptions,
}

impl Options for HandlerOptions {
    const ATTRIBUTE: &'static str = "`#[command]` on a function";

    fn advice(unknown: &Meta) -> Option<String> {
        options::exists_in::<DeclarationOptions>(unknown)
            .then(|| "it says what the command is, so it belongs on the struct's `#[command]`".to_owned())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromMeta)]
enum CreationPolicy {
    Never,
    Always,
    IfMissing,
}

impl Value for CreationPolicy {
    const FORM: &'static str = "never`, `create = always` or `create = if_missing";

    fn read(tokens: TokenStream) -> Result<Self, Suggestion> {
        let word: Ident = syn::parse2(tokens).map_err(|_| Suggestion::None)?;
        Self::from_string(&word.to_string()).map_err(|error| Suggestion::of(&error))
    }
}

/// The handler of a command.
struct Handler<'a> {
    create: Option<Setting<CreationPolicy>>,
    stateless: bool,
    schedule: Option<Schedule>,
    settings: SettingsOptions,
    signature: HandlerSignature<'a>,
}

impl<'a> Handler<'a> {
    fn check(parsed: Parsed<HandlerOptions>, function: &'a Function, errors: &mut Errors) -> Self {
        let has_wrong_schedule = parsed.rejects("every") || parsed.rejects("cron");
        let HandlerOptions { create, stateless, every, cron, missed, overlap, settings } = parsed.options;
        let signature = HandlerSignature::check(KIND, &function.sig, errors);
        check_creation(create.as_ref(), &signature, errors);
        check_stateless(stateless.as_ref(), &signature, errors);
        let schedule = Schedule::check(every, cron, missed, overlap, has_wrong_schedule, errors);
        Self { create, stateless: stateless.is_some(), schedule, settings, signature }
    }

    fn expand(&self, enact: &Enact, function: &Function) -> TokenStream {
        let declaration = self.declare(enact);
        let common = settings::handler(enact, &self.settings, &self.signature, function);
        let implementation = match (self.signature.message, self.signature.entity) {
            (Some(command), Some(entity)) => self.entity_handler(enact, command, entity),
            (Some(command), None) => self.command_handler(enact, command),
            (None, _) => TokenStream::new(),
        };
        quote!(#declaration #common #implementation)
    }

    /// Declares that the command has a handler, and what it binds. A handler with mistakes is declared too, to avoid further
    /// errors where the command is used.
    fn declare(&self, enact: &Enact) -> TokenStream {
        let HandlerSignature { message, entity, .. } = self.signature;
        let Some(command) = message else {
            return TokenStream::new();
        };
        // At the command's type, where the compiler reports a second handler as a conflicting implementation.
        let span = command.span();
        let output = self.signature.output(enact);
        let enact = enact.at(span);
        let entity = entity.map_or_else(|| quote!(()), ToTokens::to_token_stream);
        quote_spanned! {span=>
            impl #enact::HasOneHandler for #command
            where
                for<'__any> #command: #enact::Command,
            {
                #output
                type Entity = #entity;
            }
        }
    }

    fn entity_handler(&self, enact: &Enact, command: &Type, entity: &Type) -> TokenStream {
        let creation = self.creation(enact, command, entity);
        let function = self.function(enact, command);
        let registration = register(enact, &quote_spanned!(entity.span()=> entity_handler::<__Handler>));
        quote! {
            impl #enact::EntityHandler for __Handler
            where
                for<'__any> #command: #enact::Command,
                for<'__any> #entity: #enact::TargetOf<#command>,
            {
                type Command = #command;
                type Entity = #entity;
                #creation
                #function
            }
            #registration
        }
    }

    fn command_handler(&self, enact: &Enact, command: &Type) -> TokenStream {
        let untargeted = (!self.stateless).then(|| self.untargeted(enact, command));
        let function = self.function(enact, command);
        let registration = register(enact, &quote_spanned!(command.span()=> command_handler::<__Handler>));
        quote! {
            #untargeted
            impl #enact::CommandHandler for __Handler
            where
                for<'__any> #command: #enact::Command,
            {
                type Command = #command;
                #function
            }
            #registration
        }
    }

    /// `fn schedule()`, if the command recurs, and `fn handle()`.
    fn function(&self, enact: &Enact, command: &Type) -> TokenStream {
        let schedule = self.schedule.as_ref().map(|schedule| schedule.expand(enact, command));
        let output = quote!(<#command as #enact::HasOneHandler>::Output);
        let handle = self.signature.handle(enact, command, &output);
        quote!(#schedule #handle)
    }

    /// The proof that the command has no target, as the handler binds nothing. It is skipped if an entity is taken by value,
    /// which is the mistake then.
    fn untargeted(&self, enact: &Enact, command: &Type) -> TokenStream {
        let at_command = enact.at(command.span());
        let command = quote_spanned!(command.span()=> #at_command::__private::assert::of::<#command>());
        let subject = self
            .signature
            .extracted()
            .fold(command, |subject, ty| quote!(#enact::__private::assert::Of::<#ty>::beside(#subject)));
        let span = self.signature.message.map_or_else(Span::call_site, Spanned::span);
        expansion::proof(enact, &quote_spanned!(span=> #subject.untargeted()))
    }

    /// `fn creation()`. It has the span of the option, where the compiler reports a missing `From<&Command>`.
    fn creation(&self, enact: &Enact, command: &Type, entity: &Type) -> Option<TokenStream> {
        let Setting { key, value } = self.create.as_ref()?;
        let policy = match value {
            CreationPolicy::Never => return None,
            CreationPolicy::Always => format_ident!("always"),
            CreationPolicy::IfMissing => format_ident!("if_missing"),
        };
        let enact_at_option = enact.at(key.span());
        let policy = quote_spanned!(key.span()=> #enact_at_option::Creation::#policy());
        Some(quote! {
            fn creation() -> #enact::Creation<#command, #entity> {
                #policy
            }
        })
    }
}

/// A creation policy needs a bound entity.
fn check_creation(
    create: Option<&Setting<CreationPolicy>>,
    signature: &HandlerSignature<'_>,
    errors: &mut Errors,
) {
    if let (Some(Setting { key, .. }), None) = (create, signature.entity) {
        let name = &signature.name;
        errors.add(
            key,
            format!(
                "`create` needs an entity parameter: add `entity: &mut …` to `{name}`, or remove `create`"
            ),
        );
    }
}

/// A stateless handler binds no entity.
fn check_stateless(stateless: Option<&Word>, signature: &HandlerSignature<'_>, errors: &mut Errors) {
    if let (Some(Word(stateless)), Some(entity)) = (stateless, signature.entity) {
        let entity = signature::text(entity);
        errors.add(
            stateless,
            format!("`stateless` means that the handler binds no entity, but it takes `&mut {entity}`: remove one of the two"),
        );
    }
}
