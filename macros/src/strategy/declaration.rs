//! `#[strategy]` on a trait.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{
    FnArg, GenericParam, Ident, ItemTrait, Meta, ReceiverKind, ReturnType, Signature, TraitItem, TraitItemFn,
    TypeParamBound, parse_quote,
};

use super::place::Place;
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{async_trait, hidden, register};
use crate::options::{self, Options, Setting, Text};
use crate::signature::mentions_impl;

pub(super) fn expand(args: TokenStream, mut item: ItemTrait) -> TokenStream {
    let mut errors = Errors::new();
    let enact = Enact::take(&mut item.attrs, &mut errors);
    let options = options::parse(args, &mut errors).options;
    let strategy = Strategy::check(options, &item, &mut errors);
    let expansion = if let Some(strategy) = strategy {
        strategy.expand(&enact, item)
    } else {
        let async_trait = async_trait(&enact);
        quote!(#async_trait #item)
    };
    TokenStream::from_iter([expansion, errors.report()])
}

#[derive(FromMeta)]
struct StrategyOptions {
    name: Option<Setting<Text>>,
}

impl Options for StrategyOptions {
    const ATTRIBUTE: &'static str = "`#[strategy]` on a trait";

    fn advice(unknown: &Meta) -> Option<String> {
        Place::Trait.advice(unknown)
    }
}

struct Strategy {
    name: String,
    tag: Ident,
}

impl Strategy {
    /// The strategy; `None` if the trait cannot be used as `dyn`. A mistake in an option alone does not prevent the expansion,
    /// to avoid further errors at the variants, the policy and the handlers.
    fn check(options: StrategyOptions, item: &ItemTrait, errors: &mut Errors) -> Option<Self> {
        let found_before = errors.count();
        check_generics(item, errors);
        check_members(item, errors);
        let name = options.name.map_or_else(|| item.ident.unraw().to_string(), |name| name.value.0);
        (errors.count() == found_before).then(|| Self { name, tag: tag(item) })
    }

    fn expand(&self, enact: &Enact, mut item: ItemTrait) -> TokenStream {
        let Self { name, tag } = self;
        let (ident, vis) = (&item.ident.clone(), item.vis.clone());
        let registration = register(enact, &quote!(strategy::<dyn #ident>));
        let hidden = hidden(
            &item.attrs,
            &quote! {
                impl #enact::Strategy for dyn #ident {
                    const NAME: &'static str = #name;
                    type Tag = #tag;
                }
                #registration
            },
        );
        let tag_type = quote! {
            #[doc(hidden)]
            #[allow(non_camel_case_types, clippy::exhaustive_enums)]
            #vis enum #tag {}
        };
        let bounds = [
            quote!(::core::marker::Send),
            quote!(::core::marker::Sync),
            quote!(#enact::strategy::AnyVariant<#tag>),
        ];
        item.colon_token.get_or_insert_default();
        item.supertraits.extend(bounds.map(|bound| -> TypeParamBound { parse_quote!(#bound) }));
        let async_trait = async_trait(enact);
        quote!(#tag_type #async_trait #item #hidden)
    }
}

/// The type that distinguishes the strategy's variants from those of others.
fn tag(item: &ItemTrait) -> Ident {
    format_ident!("__{}", item.ident.unraw(), span = proc_macro2::Span::call_site())
}

/// A strategy is one `dyn` type.
fn check_generics(item: &ItemTrait, errors: &mut Errors) {
    if !item.generics.params.is_empty() {
        errors.add(
            &item.generics,
            format!(
                "a strategy cannot be generic, because it is used as `Box<dyn {0}>`: remove the parameters of `{0}`",
                item.ident
            ),
        );
    }
}

/// A `dyn` type has methods and nothing else.
fn check_members(item: &ItemTrait, errors: &mut Errors) {
    for member in &item.items {
        match member {
            TraitItem::Fn(method) => check_method(item, method, errors),
            TraitItem::Const(constant) => errors.add(&constant.ident, not_a_method(item, "constant")),
            TraitItem::Type(ty) => errors.add(&ty.ident, not_a_method(item, "type")),
            _ => {}
        }
    }
}

fn not_a_method(item: &ItemTrait, what: &str) -> String {
    format!(
        "a strategy has only methods, because it is used as `Box<dyn {}>`: make this {what} a method, or move it out of the \
         trait",
        item.ident
    )
}

/// A method is called on the chosen variant.
fn check_method(item: &ItemTrait, method: &TraitItemFn, errors: &mut Errors) {
    let (strategy, sig) = (&item.ident, &method.sig);
    let name = &sig.ident;
    match sig.receiver() {
        None => errors.add(
            name,
            format!(
                "`{name}` must take `&self`, because it is called on the variant that the policy chose: write \
                 `fn {name}(&self, …)`"
            ),
        ),
        Some(receiver) if !matches!(receiver.kind, ReceiverKind::Reference(_, _, None)) => errors.add(
            receiver,
            format!("a method of the strategy `{strategy}` cannot consume or change the variant: write `&self`"),
        ),
        Some(_) => {}
    }
    let is_generic = |parameter: &&GenericParam| !matches!(parameter, GenericParam::Lifetime(_));
    let generic = sig.generics.params.iter().find(is_generic).map(ToTokens::to_token_stream);
    if let Some(generic) = generic.or_else(|| hidden_generic(sig)) {
        errors.add(
            generic,
            format!(
                "a strategy cannot have generic methods, because it is used as `Box<dyn {strategy}>`: write `{name}` for \
                 concrete types"
            ),
        );
    }
}

/// `impl Trait`, which is a generic parameter in disguise, or a type that differs from variant to variant.
fn hidden_generic(sig: &Signature) -> Option<TokenStream> {
    let parameters = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(parameter) => Some(&*parameter.ty),
        FnArg::Receiver(_) => None,
    });
    let returned = match &sig.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    let mut types = parameters.chain(returned).map(ToTokens::to_token_stream);
    types.find(|ty| mentions_impl(ty.clone()))
}
