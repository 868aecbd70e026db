//! `#[invariant]`.

use darling::FromMeta;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{FnArg, Ident, Meta, ReturnType, Signature, Type};

use crate::crate_path::Enact;
use crate::docs;
use crate::errors::Errors;
use crate::expansion::{self, hidden_beside, reemitted_invariant, register};
use crate::item::{Function, Item, misplaced};
use crate::options::{self, Options, Setting, Text};
use crate::signature::{check_unconditional, text};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Function(mut function) = Item::parse(&item) else {
        return misplaced("#[invariant]", "a function", item);
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut function.attrs, &mut errors);
    let options = options::parse(args, &mut errors).options;
    let invariant = Invariant::check(options, &function, &mut errors);
    let expansion = invariant.filter(|_| errors.is_empty()).map(|invariant| invariant.expand(&enact));
    let hidden = hidden_beside(&function, &expansion.unwrap_or_default());
    TokenStream::from_iter([reemitted_invariant(&function), hidden, errors.report()])
}

#[derive(FromMeta)]
struct InvariantOptions {
    when: Option<Setting<Type>>,
    code: Option<Setting<Text>>,
    message: Option<Setting<Text>>,
}

impl Options for InvariantOptions {
    const ATTRIBUTE: &'static str = "`#[invariant]`";

    fn advice(unknown: &Meta) -> Option<String> {
        let is_name = unknown.path().is_ident("name");
        is_name.then(|| "an invariant is identified by its code, `#[invariant(code = \"…\")]`".to_owned())
    }
}

struct Invariant {
    function: Ident,
    entity: Type,
    when: Option<Type>,
    /// Whether the function takes what `when` names.
    takes_when: bool,
    output: Type,
    code: String,
    message: String,
}

impl Invariant {
    /// The invariant; `None` if a mistake leaves nothing to implement.
    fn check(options: InvariantOptions, function: &Function, errors: &mut Errors) -> Option<Self> {
        let InvariantOptions { when, code, message } = options;
        let sig = &function.sig;
        check_sync(sig, errors);
        check_generics(sig, errors);
        let output = check_says_something(sig, errors);
        let message = check_message(message, function, errors);
        let Parameters { entity, when: taken } = Parameters::check(sig, errors);
        check_scope(when.as_ref(), taken.as_ref(), errors);
        check_order(when.as_ref(), entity.as_ref(), taken.as_ref(), errors);
        Some(Self {
            function: sig.ident.clone(),
            entity: entity?,
            when: when.map(|Setting { value, .. }| value),
            takes_when: taken.is_some(),
            output: output?,
            code: code.map_or_else(|| sig.ident.unraw().to_string(), |code| code.value.0),
            message: message?,
        })
    }

    fn expand(&self, enact: &Enact) -> TokenStream {
        let Self { function, entity, code, message, .. } = self;
        let scope = self.scope(enact);
        let when = self.when.as_ref().map_or_else(|| quote!(#enact::Always), ToTokens::to_token_stream);
        // The argument has the span of `when`. There the compiler reports a parameter of another type.
        let at_when = Span::call_site().located_at(when.span());
        let passed = self.takes_when.then(|| quote_spanned!(at_when=> , __when));
        // The verdict has the span of the return type. There the compiler reports that it is not a verdict.
        let at_output = self.output.span();
        let enact_at_output = enact.at(at_output);
        let output = &self.output;
        let returned = quote!(#function(__entity #passed));
        let verdict = quote_spanned!(at_output=> <#output as #enact_at_output::invariant::IntoVerdict>::into_verdict(#returned));
        let registration = register(enact, &quote!(invariant::<__Invariant>));
        quote! {
            #scope
            struct __Invariant;
            impl #enact::Invariant for __Invariant {
                type Entity = #entity;
                type When = #when;
                const CODE: &'static str = #code;
                const MESSAGE: &'static str = #message;
                fn check(__entity: &#entity, __when: &#when) -> #enact::invariant::Verdict {
                    #verdict
                }
            }
            #registration
        }
    }

    /// The proof that the invariant's entity is bound where `when` says.
    fn scope(&self, enact: &Enact) -> Option<TokenStream> {
        let (entity, when) = (&self.entity, self.when.as_ref()?);
        let enact_at_when = enact.at(when.span());
        let scope =
            quote_spanned!(when.span()=> #enact_at_when::__private::assert::Of::<(#entity, #when)>::scope());
        Some(expansion::proof(enact, &scope))
    }
}

/// The types that the function takes.
struct Parameters {
    entity: Option<Type>,
    when: Option<Type>,
}

impl Parameters {
    fn check(sig: &Signature, errors: &mut Errors) -> Self {
        let mut inputs = sig.inputs.iter();
        let Some(first) = inputs.next() else {
            let name = &sig.ident;
            errors.add(
                name,
                format!("an invariant needs an entity as its first parameter: write `fn {name}(entity: &…) -> bool`"),
            );
            return Self { entity: None, when: None };
        };
        let entity = borrowed(first, errors);
        let when = inputs.next().and_then(|second| borrowed(second, errors));
        for superfluous in inputs {
            errors.add(
                superfluous,
                "an invariant takes its entity and the command or event of `when`, and nothing else: remove this parameter",
            );
        }
        Self { entity, when }
    }
}

/// The type behind the `&`.
fn borrowed(input: &FnArg, errors: &mut Errors) -> Option<Type> {
    let parameter = match input {
        FnArg::Typed(parameter) => {
            check_unconditional("an invariant", parameter, errors);
            parameter
        }
        FnArg::Receiver(receiver) => {
            errors.add(
                receiver,
                "an invariant cannot be a method, because the runtime has no `self` to call it on: write a free function, \
                 `fn …(entity: &…) -> bool`",
            );
            return None;
        }
    };
    match &*parameter.ty {
        Type::Reference(reference) if reference.mutability.is_none() => Some((*reference.elem).clone()),
        Type::Reference(reference) => {
            errors.add(
                reference,
                format!("an invariant cannot change what it checks: write `&{}`", text(&reference.elem)),
            );
            Some((*reference.elem).clone())
        }
        other => {
            errors.add(other, format!("an invariant borrows what it checks: write `&{}`", text(other)));
            Some(other.clone())
        }
    }
}

/// The runtime evaluates an invariant synchronously.
fn check_sync(sig: &Signature, errors: &mut Errors) {
    if let Some(asyncness) = sig.asyncness {
        let name = &sig.ident;
        errors.add(
            asyncness,
            format!(
                "an invariant cannot be `async`, because it depends on the entity alone: write `fn {name}`"
            ),
        );
    }
}

/// The runtime calls the function for one entity type.
fn check_generics(sig: &Signature, errors: &mut Errors) {
    if !sig.generics.params.is_empty() {
        errors.add(&sig.generics, "an invariant cannot be generic, because it is checked for one entity: write it for a concrete type");
    }
}

/// Without a return type there is no verdict.
fn check_says_something(sig: &Signature, errors: &mut Errors) -> Option<Type> {
    if let ReturnType::Type(_, ty) = &sig.output {
        return Some((**ty).clone());
    }
    let name = &sig.ident;
    errors.add(
        name,
        format!(
            "`{name}` must return whether the invariant holds: return `bool`, or `Result<(), E>` with an `E` that implements \
             `Display`"
        ),
    );
    None
}

/// A violation has a message for people.
fn check_message(message: Option<Setting<Text>>, function: &Function, errors: &mut Errors) -> Option<String> {
    let message = message.map(|message| message.value.0).or_else(|| docs::first_paragraph(&function.attrs));
    if message.is_none() {
        let name = &function.sig.ident;
        errors.add(
            name,
            format!(
                "an invariant needs a message for people: write a doc comment above `{name}`, or \
                 `#[invariant(message = \"…\")]`"
            ),
        );
    }
    message
}

/// The entity comes first.
fn check_order(
    when: Option<&Setting<Type>>,
    first: Option<&Type>,
    second: Option<&Type>,
    errors: &mut Errors,
) {
    let (Some(Setting { value: when, .. }), Some(first), Some(second)) = (when, first, second) else {
        return;
    };
    if when == first && when != second {
        let (entity, when) = (text(second), text(first));
        errors.add(
            first,
            format!("an invariant takes its entity first and then the command or event of `when`: write `(…: &{entity}, …: &{when})`"),
        );
    }
}

/// The second parameter is what `when` names.
fn check_scope(when: Option<&Setting<Type>>, taken: Option<&Type>, errors: &mut Errors) {
    if let (None, Some(taken)) = (when, taken) {
        let ty = text(taken);
        errors.add(
            taken,
            format!(
                "without `when`, an invariant takes only its entity, because it is checked at the end of every execution: to take \
                 a `{ty}`, write `#[invariant(when = {ty})]`"
            ),
        );
    }
}
