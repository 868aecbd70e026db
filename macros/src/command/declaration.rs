//! `#[command]` on a struct.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{DeriveInput, Ident};

use crate::crate_path;
use crate::derives::{self, Schema};
use crate::errors::Errors;
use crate::expansion::{hidden, register};
use crate::options::{Options, Setting};
use crate::record::{self, FieldChoice};

pub(super) fn expand(args: TokenStream, input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::new();
    let options = DeclarationOptions::parse(args, &mut errors);
    let declaration = Declaration::check(options, input, &mut errors);
    let expansion = declaration.expand(input);
    TokenStream::from_iter([expansion, errors.report()])
}

#[derive(Default)]
struct DeclarationOptions {
    target: Option<Setting<Ident>>,
    idempotency_key: Option<Setting<Ident>>,
    order_by: Option<Setting<Ident>>,
    name: Option<String>,
}

impl DeclarationOptions {
    fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::parse("`#[command]` on a struct", args, errors);
        let parsed = Self {
            target: options.value("target", "field", errors),
            idempotency_key: options.value("idempotency_key", "field", errors),
            order_by: options.value("order_by", "field", errors),
            name: options.text("name", errors),
        };
        let whither = "it says how the command is handled, so it goes on the handler's `#[command]`";
        options.misplaced(super::OF_HANDLER, whither, errors);
        options.finish(errors);
        parsed
    }
}

/// A command.
struct Declaration<'a> {
    name: String,
    target: FieldChoice<'a>,
    idempotency_key: FieldChoice<'a>,
    order_by: FieldChoice<'a>,
}

impl<'a> Declaration<'a> {
    fn check(options: DeclarationOptions, input: &'a DeriveInput, errors: &mut Errors) -> Self {
        record::check("a command", input, errors);
        Self {
            name: record::name(input, options.name),
            target: record::choose(input, options.target, errors),
            idempotency_key: record::choose(input, options.idempotency_key, errors),
            order_by: record::choose(input, options.order_by, errors),
        }
    }

    fn expand(&self, input: &DeriveInput) -> TokenStream {
        if !record::can_be_implemented(input) {
            return input.to_token_stream();
        }
        let item = derives::derived(input, Schema::Strict);
        let ident = &input.ident;
        let command = self.command(ident);
        let targeting = self.targeting(ident);
        let registration = register(&quote!(command::<#ident>));
        let hidden = hidden(&input.attrs, &quote!(#command #targeting #registration));
        quote!(#item #hidden)
    }

    fn command(&self, ident: &Ident) -> TokenStream {
        let enact = crate_path::enact();
        let name = &self.name;
        let keys = [
            ("target", &self.target),
            ("idempotency_key", &self.idempotency_key),
            ("order_key", &self.order_by),
        ];
        let keys = keys.into_iter().filter_map(|(method, choice)| {
            let method = format_ident!("{method}");
            let field = &choice.field()?.ident;
            Some(quote! {
                fn #method(&self) -> ::core::option::Option<#enact::Key> {
                    #enact::Key::of(&self.#field)
                }
            })
        });
        quote! {
            impl #enact::Command for #ident {
                const NAME: &'static str = #name;
                #(#keys)*
            }
        }
    }

    fn targeting(&self, ident: &Ident) -> TokenStream {
        let enact = crate_path::enact();
        let id = match &self.target {
            FieldChoice::None => return quote!(impl #enact::Untargeted for #ident {}),
            FieldChoice::Field(field) => field.ty.to_token_stream(),
            FieldChoice::Missing => record::unknown_type(),
        };
        quote! {
            impl #enact::Targeted for #ident {
                type Id = #id;
            }
        }
    }
}
