//! `#[command]` on a struct.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DeriveInput, Field, Ident, Meta, Type};

use super::handler::HandlerOptions;
use crate::constraints;
use crate::crate_path::Enact;
use crate::derives::{self, Schema};
use crate::errors::Errors;
use crate::expansion::{self, hidden, register};
use crate::options::{self, FieldName, Options, Parsed, Setting, Text, Texts, Word};
use crate::record::{self, FieldChoice, Shape};

pub(super) fn expand(args: TokenStream, mut input: DeriveInput) -> TokenStream {
    let mut errors = Errors::new();
    let enact = Enact::take(&mut input.attrs, &mut errors);
    let options = options::parse(args, &mut errors);
    let declaration = Declaration::check(options, &input, &mut errors);
    let expansion = declaration.expand(&enact, &input);
    TokenStream::from_iter([expansion, errors.report()])
}

const SHAPE: Shape = Shape { noun: "a command", smallest: "{}" };

#[derive(FromMeta)]
pub(crate) struct DeclarationOptions {
    target: Option<Setting<FieldName>>,
    idempotency_key: Option<Setting<FieldName>>,
    order_by: Option<Setting<FieldName>>,
    name: Option<Setting<Text>>,
    alias: Option<Setting<Texts>>,
    remote: Option<Word>,
    output: Option<Setting<Type>>,
}

impl Options for DeclarationOptions {
    const ATTRIBUTE: &'static str = "`#[command]` on a struct";

    fn advice(unknown: &Meta) -> Option<String> {
        options::exists_in::<HandlerOptions>(unknown).then(|| {
            "it says how the command is handled, so it belongs on the handler's `#[command]`".to_owned()
        })
    }
}

/// A command that another program handles.
struct Remote {
    /// What its handler returns; `None` for any JSON.
    output: Option<Type>,
}

/// A command.
struct Declaration<'a> {
    name: String,
    alias: Option<Setting<Texts>>,
    remote: Option<Remote>,
    target: FieldChoice<'a>,
    idempotency_key: FieldChoice<'a>,
    order_by: FieldChoice<'a>,
}

impl<'a> Declaration<'a> {
    fn check(parsed: Parsed<DeclarationOptions>, input: &'a DeriveInput, errors: &mut Errors) -> Self {
        record::check(SHAPE, input, errors);
        constraints::check(input, errors);
        check_output(&parsed, errors);
        let options = parsed.options;
        Self {
            name: record::name(input, options.name),
            alias: options.alias,
            remote: options.remote.map(|_| Remote { output: options.output.map(|output| output.value) }),
            target: record::choose(input, options.target, errors),
            idempotency_key: record::choose(input, options.idempotency_key, errors),
            order_by: record::choose(input, options.order_by, errors),
        }
    }

    fn expand(&self, enact: &Enact, input: &DeriveInput) -> TokenStream {
        if !record::can_be_implemented(input) {
            return input.to_token_stream();
        }
        let item = derives::derived(enact, &derives::bounded(enact, input, Schema::Always), Schema::Always);
        let ident = &input.ident;
        let command = self.command(enact, input);
        let keys =
            [&self.target, &self.idempotency_key, &self.order_by].map(|choice| record::key(enact, choice));
        let targeting = self.targeting(enact, ident);
        let remote = self.remote(enact, ident);
        let part = match &self.remote {
            // At the output type, where the compiler reports that it cannot be an output.
            Some(Remote { output: Some(output) }) => {
                let mut ident = ident.clone();
                ident.set_span(output.span());
                quote_spanned!(output.span()=> remote_command::<#ident>)
            }
            Some(Remote { output: None }) => quote!(remote_command::<#ident>),
            None => quote!(command::<#ident>),
        };
        let registration = register(enact, &part);
        let hidden = hidden(&input.attrs, &quote!(#command #(#keys)* #targeting #remote #registration));
        quote!(#item #hidden)
    }

    fn command(&self, enact: &Enact, input: &DeriveInput) -> TokenStream {
        let ident = &input.ident;
        let name = &self.name;
        let aliases = expansion::aliases(self.alias.as_ref());
        let keys = [
            ("TARGET", "target", &self.target),
            ("IDEMPOTENCY_KEY", "idempotency_key", &self.idempotency_key),
            ("ORDER_BY", "order_key", &self.order_by),
        ];
        let keys = keys.into_iter().filter_map(|(constant, method, choice)| {
            let [constant, method] = [format_ident!("{constant}"), format_ident!("{method}")];
            let field = choice.field()?;
            let name = field.ident.as_ref()?.unraw().to_string();
            let key = key(enact, input, field);
            Some(quote! {
                const #constant: ::core::option::Option<&'static str> = ::core::option::Option::Some(#name);
                fn #method(&self) -> ::core::option::Option<#enact::Key> {
                    #key
                }
            })
        });
        quote_spanned! {ident.span()=>
            impl #enact::Command for #ident {
                const NAME: &'static str = #name;
                #aliases
                #(#keys)*
            }
        }
    }

    /// `impl HasOneHandler`, if another program handles the command.
    fn remote(&self, enact: &Enact, ident: &Ident) -> Option<TokenStream> {
        let any_json = || quote!(#enact::__private::serde_json::Value);
        let output = self.remote.as_ref()?.output.as_ref().map_or_else(any_json, ToTokens::to_token_stream);
        Some(quote! {
            impl #enact::HasOneHandler for #ident
            where
                for<'__any> #output: #enact::Output,
            {
                type Output = #output;
                type Entity = ();
            }
        })
    }

    fn targeting(&self, enact: &Enact, ident: &Ident) -> TokenStream {
        // `impl Command` proves this. Without the condition, its errors would be reported here as well.
        let is_command = quote!(where for<'__any> #ident: #enact::Command);
        let id = match &self.target {
            FieldChoice::None => return quote!(impl #enact::Untargeted for #ident #is_command {}),
            FieldChoice::Field(field) => field.ty.to_token_stream(),
            FieldChoice::Missing => record::unknown_type(enact),
        };
        quote! {
            impl #enact::Targeted for #ident #is_command {
                type Id = #id;
            }
        }
    }
}

/// The key of a field. If its type lacks the bound that the item requires, this reports nothing more.
fn key(enact: &Enact, input: &DeriveInput, field: &Field) -> TokenStream {
    let Field { ident, ty, .. } = field;
    if derives::bounded_type(input, field).is_none() {
        return quote!(#enact::Key::of(&self.#ident));
    }
    quote! {
        #[allow(unused_imports)]
        use #enact::__private::assert::Otherwise as _;
        #enact::__private::assert::Of::<#ty>::key(&self.#ident)
    }
}

/// If this program handles the command, its handler declares what it returns.
fn check_output(parsed: &Parsed<DeclarationOptions>, errors: &mut Errors) {
    let DeclarationOptions { output, remote, .. } = &parsed.options;
    if let (Some(Setting { key, .. }), None, false) = (output, remote, parsed.rejects("remote")) {
        errors.add(
            key,
            "`output` is for a remote command, because a handler in this program declares what it returns: remove `output`, or add \
             `remote`",
        );
    }
}
