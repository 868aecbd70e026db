//! The signature of a handler: what it handles, what it binds, what it draws from the context, and what it returns.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, PatType, ReturnType, Signature, Type, TypeReference};

use crate::crate_path::Enact;
use crate::errors::Errors;

/// What the handlers of one attribute have in common, and how messages speak of them.
#[derive(Clone, Copy)]
pub(crate) struct HandlerKind {
    /// `a command's handler`
    pub(crate) noun: &'static str,
    /// `command`
    pub(crate) message: &'static str,
    /// Whether it may take `&mut Entity`.
    pub(crate) binds_entity: bool,
}

/// A handler's signature. It is as complete as the mistakes in it allow.
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
    Drawn(&'a Type),
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

    /// The types drawn from the context.
    pub(crate) fn drawn(&self) -> impl Iterator<Item = &'a Type> {
        self.further.iter().filter_map(|parameter| match *parameter {
            Parameter::Drawn(ty) => Some(ty),
            Parameter::Entity => None,
        })
    }

    /// `fn requires()`, if anything is drawn.
    pub(crate) fn requires(&self, enact: &Enact) -> Option<TokenStream> {
        requires(enact, self.drawn())
    }

    /// `fn handle()`, which calls the function.
    pub(crate) fn handle(&self, enact: &Enact, message: &Type, output: &TokenStream) -> TokenStream {
        let entity = self.entity.map(|entity| quote!(__entity: &mut #entity,));
        let arguments = self.further.iter().map(|parameter| match parameter {
            Parameter::Entity => quote!(__entity),
            Parameter::Drawn(ty) => from_context(enact, ty),
        });
        let Self { name, outcome, .. } = self;
        // All at what it returns, where it is shown that this is no outcome, or that the function's future is not `Send`. It is
        // no `async fn`, of whose result the compiler would say the same once more.
        let span = outcome.span();
        // The parameters are none of the names of whoever wrote the type, a macro perhaps.
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

    /// `type Output`, of when it succeeds.
    pub(crate) fn output(&self, enact: &Enact) -> TokenStream {
        let outcome = &self.outcome;
        let span = outcome.span();
        let enact = enact.at(span);
        quote_spanned!(span=> type Output = <#outcome as #enact::IntoOutcome>::Output;)
    }
}

/// `fn requires()`: what must be there for what is drawn.
pub(crate) fn requires<'a>(enact: &Enact, drawn: impl Iterator<Item = &'a Type>) -> Option<TokenStream> {
    let mut drawn = drawn.map(|ty| asked(enact, ty, &quote!(requires(__needs);))).peekable();
    drawn.peek().is_some().then(|| {
        quote! {
            fn requires(__needs: &mut #enact::context::Requirements) {
                #(#drawn)*
            }
        }
    })
}

/// The value of a parameter that is drawn.
pub(crate) fn from_context(enact: &Enact, ty: &Type) -> TokenStream {
    let value = asked(enact, ty, &quote!(from_context(__context)));
    quote!(#value?)
}

/// `<Type as FromContext>::…`: all that is asked of a type is asked in this form and at this place, so that the compiler
/// merges what it has to say about a type that cannot be drawn.
fn asked(enact: &Enact, ty: &Type, call: &TokenStream) -> TokenStream {
    let enact = enact.at(ty.span());
    quote_spanned!(ty.span()=> <#ty as #enact::FromContext>::#call)
}

/// A handler is awaited.
fn check_async(kind: HandlerKind, sig: &Signature, errors: &mut Errors) {
    if sig.asyncness.is_none() {
        let (noun, fn_token, name) = (kind.noun, &sig.fn_token, &sig.ident);
        errors.add(
            quote!(#fn_token #name),
            format!("{noun} is awaited, and `{name}` is not `async`: write `async fn {name}`"),
        );
    }
}

/// The runtime keeps one function for each message: there is nothing that could choose a type parameter.
fn check_generics(kind: HandlerKind, sig: &Signature, errors: &mut Errors) {
    if sig.generics.params.is_empty() {
        return;
    }
    let (noun, name) = (kind.noun, &sig.ident);
    let advice = if sig.generics.lifetimes().count() == sig.generics.params.len() {
        format!("write `{name}` without lifetimes, which it does not need")
    } else {
        format!("write `{name}` for particular types")
    };
    errors.add(
        &sig.generics,
        format!("{noun} is called by the runtime, which cannot choose generic parameters: {advice}"),
    );
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
                    "{} is called by the runtime, which has no `self` to call a method on: write a function outside of `impl`, \
                     and take what it needs as parameters (`Arc<…>` for something that was provided)",
                    kind.noun
                ),
            ),
        }
    }
    types
}

/// The call that is generated passes every parameter that is written.
pub(crate) fn check_unconditional(noun: &str, parameter: &PatType, errors: &mut Errors) {
    for attribute in parameter.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")) {
        errors.add(
            attribute,
            format!(
                "{noun} is called with all of its parameters, so none of them has a condition: write two functions, each under \
                 its own `#[cfg(…)]`"
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
                "{} is called by the runtime, which cannot choose what `impl …` is: name the type",
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

/// The message comes first, and what is bound after it. In the wrong order they are told from each other by the `&mut`.
fn check_order(kind: HandlerKind, types: &mut [&Type], errors: &mut Errors) {
    let Some(Type::Reference(bound)) = types.first() else { return };
    let Some(message) = types.iter().position(|ty| !matches!(ty, Type::Reference(_))) else { return };
    if bound.mutability.is_some() && kind.binds_entity {
        let HandlerKind { noun, message: what, .. } = kind;
        let (bound, owned) = (text(&types[0].clone()), text(types[message]));
        errors.add(
            types[0],
            format!(
                "{noun} takes the {what} first, and the entity after it: write `(…: {owned}, …: {bound})`"
            ),
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
                format!("{noun} is found by its first parameter, and `{name}` has none: take the {message}, by value"),
            );
            None
        }
        Some(Type::Reference(reference)) => {
            let owned = text(&reference.elem);
            errors.add(
                reference,
                format!("the first parameter is the {message}, and {noun} owns it: take `{owned}`, by value"),
            );
            Some(&reference.elem)
        }
        Some(ty) => Some(ty),
    }
}

/// Of the parameters after the first, one may be the entity; the others are drawn.
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
            drawn => further.push(Parameter::Drawn(drawn)),
        }
    }
    (entity, further)
}

/// The one reference that a handler takes is its entity's, and it is a `&mut`.
fn check_reference(kind: HandlerKind, reference: &TypeReference, bound: Option<&Type>, errors: &mut Errors) {
    let elem = text(&reference.elem);
    if reference.mutability.is_none() {
        let advice = match (&*reference.elem, kind.binds_entity) {
            (Type::TraitObject(_), _) => {
                format!("take what was provided as `Arc<{elem}>`, and a strategy as `Box<{elem}>`")
            }
            (_, true) => format!(
                "take the entity that the command targets as `&mut {elem}`, what was provided as `Arc<{elem}>`, and read \
                 other entities through a `Repository<{elem}>`"
            ),
            (_, false) => format!(
                "take what was provided as `Arc<{elem}>`, and read entities through a `Repository<{elem}>`"
            ),
        };
        errors.add(reference, format!("nothing is lent to {} by `&`: {advice}", kind.noun));
    } else if !kind.binds_entity {
        errors.add(
            reference,
            format!(
                "{} binds no entity, since an event has no target: read it through a `Repository<{elem}>`, \
                 or publish a command that changes it",
                kind.noun
            ),
        );
    } else if let Some(bound) = bound {
        errors.add(
            reference,
            format!(
                "an execution writes one entity, the command's target, and this handler already binds `{}`: \
                 read the other through a `Repository<{elem}>`, and publish a command to change it",
                text(bound)
            ),
        );
    }
}

/// What the function returns; `()` in place of an `impl Future`, which cannot be named.
fn outcome(sig: &Signature) -> TokenStream {
    match &sig.output {
        ReturnType::Type(_, ty) if !mentions_impl(ty.to_token_stream()) => ty.to_token_stream(),
        _ => quote_spanned!(sig.ident.span()=> ()),
    }
}

/// A type, as its author would write it: `Arc<dyn Mailer>`, where its tokens alone read `Arc < dyn Mailer >`.
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
        HandlerKind { noun: "a command's handler", message: "command", binds_entity: true };

    fn complaints(sig: &Signature) -> String {
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
        assert_eq!(complaints(&sig), "");
    }

    #[test]
    fn every_mistake_in_a_signature_is_found() {
        let sig = parse_quote!(fn f<T>(w: &Withdraw, one: &mut Account, other: &mut Account, read: &Account));
        assert_eq!(complaints(&sig).matches("compile_error").count(), 5);
    }
}
