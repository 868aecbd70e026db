//! The signature of a handler: its message, the entity that it binds, what it extracts from the context, and what it returns.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, PatType, ReturnType, Signature, Type, TypeReference};

use crate::crate_path::Enact;
use crate::errors::Errors;

/// What the handlers of one attribute have in common, and what messages call them.
#[derive(Clone, Copy)]
pub(crate) struct HandlerKind {
    /// `a command handler`
    pub(crate) noun: &'static str,
    /// `command`
    pub(crate) message: &'static str,
    /// Whether it may take `&mut Entity`.
    pub(crate) binds_entity: bool,
}

/// A handler's signature, as far as it is free of mistakes.
pub(crate) struct HandlerSignature<'a> {
    pub(crate) name: &'a Ident,
    /// The type of the first parameter; `None` if there is none.
    pub(crate) message: Option<&'a Type>,
    /// What the entity's `&mut` refers to.
    pub(crate) entity: Option<&'a Type>,
    /// The parameters after the first.
    pub(crate) further: Vec<Parameter<'a>>,
    /// What it returns.
    pub(crate) outcome: TokenStream,
}

/// A parameter after the first.
#[derive(Clone, Copy)]
pub(crate) enum Parameter<'a> {
    Entity,
    Extracted(&'a Type),
}

impl<'a> HandlerSignature<'a> {
    pub(crate) fn check(kind: HandlerKind, sig: &'a Signature, errors: &mut Errors) -> Self {
        check_async(kind, sig, errors);
        check_generics(kind, sig, errors);
        let mut types = parameter_types(kind, sig, errors);
        check_order(kind, &mut types, errors);
        let mut types = types.into_iter();
        let message = first(kind, sig, types.next(), errors);
        let (entity, further) = further(kind, types, errors);
        Self { name: &sig.ident, message, entity, further, outcome: outcome(sig) }
    }

    /// The types extracted from the context.
    pub(crate) fn extracted(&self) -> impl Iterator<Item = &'a Type> {
        self.further.iter().filter_map(|parameter| match *parameter {
            Parameter::Extracted(ty) => Some(ty),
            Parameter::Entity => None,
        })
    }

    /// `fn requires()`, if anything is extracted.
    pub(crate) fn requires(&self, enact: &Enact) -> Option<TokenStream> {
        requires(enact, self.extracted())
    }

    /// `fn handle()`, which calls the function.
    pub(crate) fn handle(&self, enact: &Enact, message: &Type, output: &TokenStream) -> TokenStream {
        let entity = self.entity.map(|entity| quote!(__entity: &mut #entity,));
        let arguments = self.further.iter().map(|parameter| match parameter {
            Parameter::Entity => quote!(__entity),
            Parameter::Extracted(ty) => from_context(enact, ty),
        });
        let Self { name, outcome, .. } = self;
        // All tokens have the span of the return type. There the compiler reports that it is not an outcome, or that the
        // function's future is not `Send`. It would report both a second time for the result of an `async fn`.
        let span = outcome.span();
        // Not with the hygiene of the return type, which a macro may have written.
        let [message_name, context_name] =
            ["__message", "__context"].map(|name| Ident::new(name, Span::call_site()));
        let enact = enact.at(span);
        let returned = quote!(#name(__message #(, #arguments)*).await);
        quote_spanned! {span=>
            #[allow(clippy::manual_async_fn)]
            fn handle(
                #message_name: #message,
                #entity
                #context_name: &#enact::ExecutionContext,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<#output, #enact::Failure>,
            > + ::core::marker::Send {
                async move { <#outcome as #enact::IntoOutcome>::into_outcome(#returned) }
            }
        }
    }

    /// `type Output`: what the handler returns if it succeeds.
    pub(crate) fn output(&self, enact: &Enact) -> TokenStream {
        let outcome = &self.outcome;
        let span = outcome.span();
        let enact = enact.at(span);
        quote_spanned!(span=> type Output = <#outcome as #enact::IntoOutcome>::Output;)
    }
}

/// `fn requires()`: what the extracted types need.
pub(crate) fn requires<'a>(enact: &Enact, extracted: impl Iterator<Item = &'a Type>) -> Option<TokenStream> {
    let mut calls = extracted.map(|ty| call_on(enact, ty, &quote!(requires(__needs);))).peekable();
    calls.peek().is_some().then(|| {
        quote! {
            fn requires(__needs: &mut #enact::context::Requirements) {
                #(#calls)*
            }
        }
    })
}

/// The value of a parameter that is extracted from the context.
pub(crate) fn from_context(enact: &Enact, ty: &Type) -> TokenStream {
    let value = call_on(enact, ty, &quote!(from_context(__context)));
    quote!(#value?)
}

/// `<Type as FromContext>::…`. All calls have this form and this span, so that the compiler reports a type that cannot be
/// extracted once.
fn call_on(enact: &Enact, ty: &Type, call: &TokenStream) -> TokenStream {
    let enact = enact.at(ty.span());
    quote_spanned!(ty.span()=> <#ty as #enact::FromContext>::#call)
}

/// The runtime awaits a handler.
fn check_async(kind: HandlerKind, sig: &Signature, errors: &mut Errors) {
    if sig.asyncness.is_none() {
        let (noun, fn_token, name) = (kind.noun, &sig.fn_token, &sig.ident);
        errors.add(quote!(#fn_token #name), format!("{noun} must be `async`: write `async fn {name}`"));
    }
}

/// The runtime has one function for each message, and nothing that could choose a type parameter.
fn check_generics(kind: HandlerKind, sig: &Signature, errors: &mut Errors) {
    if sig.generics.params.is_empty() {
        return;
    }
    let (noun, name) = (kind.noun, &sig.ident);
    let advice = if sig.generics.lifetimes().count() == sig.generics.params.len() {
        format!("write `{name}` without lifetime parameters, which it does not need")
    } else {
        format!("write `{name}` for concrete types")
    };
    errors.add(&sig.generics, format!("{noun} cannot be generic, because the runtime calls it: {advice}"));
}

/// The types of the parameters: a handler is a free function.
fn parameter_types<'a>(kind: HandlerKind, sig: &'a Signature, errors: &mut Errors) -> Vec<&'a Type> {
    let mut types = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Typed(parameter) => {
                check_unconditional(kind.noun, parameter, errors);
                check_written_out(kind, &parameter.ty, errors);
                types.push(&*parameter.ty);
            }
            FnArg::Receiver(receiver) => errors.add(
                receiver,
                format!(
                    "{} cannot be a method, because the runtime has no `self` to call it on: write a free function, and take \
                     what it needs as parameters, for example a provided `Arc<…>`",
                    kind.noun
                ),
            ),
        }
    }
    types
}

/// The generated call passes every parameter that is written.
pub(crate) fn check_unconditional(noun: &str, parameter: &PatType, errors: &mut Errors) {
    for attribute in parameter.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
        errors.add(
            attribute,
            format!(
                "{noun} cannot have a conditional parameter, because the generated call passes all of them: write two \
                 functions, each with its own `#[cfg(…)]`"
            ),
        );
    }
}

/// `impl Trait` is a generic parameter in disguise.
fn check_written_out(kind: HandlerKind, ty: &Type, errors: &mut Errors) {
    if mentions_impl(ty.to_token_stream()) {
        errors.add(
            ty,
            format!(
                "{} cannot take `impl …`, because the runtime calls it: write a concrete type",
                kind.noun
            ),
        );
    }
}

pub(crate) fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => mentions_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The message comes before the entity. In the wrong order, the `&mut` tells which is which.
fn check_order(kind: HandlerKind, types: &mut [&Type], errors: &mut Errors) {
    let Some(Type::Reference(bound)) = types.first() else { return };
    let Some(message) = types.iter().position(|ty| !matches!(ty, Type::Reference(_))) else { return };
    if bound.mutability.is_some() && kind.binds_entity {
        let HandlerKind { noun, message: what, .. } = kind;
        let (bound, owned) = (text(&types[0].clone()), text(types[message]));
        errors.add(
            types[0],
            format!("{noun} takes the {what} first and then the entity: write `(…: {owned}, …: {bound})`"),
        );
        types.swap(0, message);
    }
}

/// The first parameter is the message, by value.
fn first<'a>(
    kind: HandlerKind,
    sig: &Signature,
    ty: Option<&'a Type>,
    errors: &mut Errors,
) -> Option<&'a Type> {
    let HandlerKind { noun, message, .. } = kind;
    match ty {
        None if sig.receiver().is_some() => None,
        None => {
            let name = &sig.ident;
            errors.add(
                name,
                format!("{noun} needs a first parameter, the {message} that it handles: write `async fn {name}({message}: …)`"),
            );
            None
        }
        Some(Type::Reference(reference)) => {
            let owned = text(&reference.elem);
            errors.add(reference, format!("{noun} takes its {message} by value: write `{owned}`"));
            Some(&reference.elem)
        }
        Some(ty) => Some(ty),
    }
}

/// One of the parameters after the first may be the entity. The others are extracted from the context.
fn further<'a>(
    kind: HandlerKind,
    types: impl Iterator<Item = &'a Type>,
    errors: &mut Errors,
) -> (Option<&'a Type>, Vec<Parameter<'a>>) {
    let mut entity = None;
    let mut further = Vec::new();
    for ty in types {
        match ty {
            Type::Reference(reference) => {
                check_reference(kind, reference, entity, errors);
                if reference.mutability.is_some() && entity.is_none() {
                    entity = Some(&*reference.elem);
                    further.push(Parameter::Entity);
                }
            }
            extracted => further.push(Parameter::Extracted(extracted)),
        }
    }
    (entity, further)
}

/// The only reference that a handler takes is the `&mut` of its entity.
fn check_reference(kind: HandlerKind, reference: &TypeReference, bound: Option<&Type>, errors: &mut Errors) {
    let elem = text(&reference.elem);
    if reference.mutability.is_none() {
        let advice = match (&*reference.elem, kind.binds_entity) {
            (Type::TraitObject(_), _) => {
                format!("write `Arc<{elem}>` for a provided capability, or `Box<{elem}>` for a strategy")
            }
            (_, true) => format!(
                "write `&mut {elem}` for the entity that the command targets, `Repository<{elem}>` to read another entity, or \
                 `Arc<{elem}>` for a provided capability"
            ),
            (_, false) => format!(
                "write `Repository<{elem}>` to read an entity, or `Arc<{elem}>` for a provided capability"
            ),
        };
        errors.add(reference, format!("{} cannot take `&{elem}`: {advice}", kind.noun));
    } else if !kind.binds_entity {
        errors.add(
            reference,
            format!(
                "{} cannot bind an entity, because an event has no target: read it through a `Repository<{elem}>`, or publish \
                 a command that changes it",
                kind.noun
            ),
        );
    } else if let Some(bound) = bound {
        errors.add(
            reference,
            format!(
                "an execution writes one entity, and this handler already binds `{}`: read the other through a \
                 `Repository<{elem}>`, or publish a command that changes it",
                text(bound)
            ),
        );
    }
}

/// The return type; `()` in place of an `impl Future`, which cannot be named.
fn outcome(sig: &Signature) -> TokenStream {
    match &sig.output {
        ReturnType::Type(_, ty) if !mentions_impl(ty.to_token_stream()) => ty.to_token_stream(),
        _ => quote_spanned!(sig.ident.span()=> ()),
    }
}

/// A type as people write it: `Arc<dyn Mailer>`. Its tokens print as `Arc < dyn Mailer >`.
pub(crate) fn text(ty: &Type) -> String {
    let spaced = ty.to_token_stream().to_string();
    let tight = [(" :: ", "::"), (":: ", "::"), (" < ", "<"), (" >", ">"), (" ,", ","), ("& ", "&")];
    tight.into_iter().fold(spaced, |text, (spaced, tight)| text.replace(spaced, tight))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    const KIND: HandlerKind =
        HandlerKind { noun: "a command handler", message: "command", binds_entity: true };

    fn errors_of(sig: &Signature) -> String {
        let mut errors = Errors::new();
        HandlerSignature::check(KIND, sig, &mut errors);
        errors.report().to_string()
    }

    #[test]
    fn a_type_reads_as_it_was_written() {
        assert_eq!(text(&parse_quote!(Arc<dyn Mailer>)), "Arc<dyn Mailer>");
        assert_eq!(text(&parse_quote!(::bank::Map<u8, Vec<Account>>)), "::bank::Map<u8, Vec<Account>>");
    }

    #[test]
    fn a_handler_may_take_its_parameters_in_any_order_after_the_first() {
        let sig = parse_quote!(async fn f(w: Withdraw, mailer: Arc<dyn Mailer>, account: &mut Account));
        assert_eq!(errors_of(&sig), "");
    }

    #[test]
    fn every_mistake_in_a_signature_is_found() {
        let sig = parse_quote!(fn f<T>(w: &Withdraw, one: &mut Account, other: &mut Account, read: &Account));
        assert_eq!(errors_of(&sig).matches("compile_error").count(), 5);
    }
}
