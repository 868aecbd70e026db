//! `#[strategy(policy)]` on a function.

use darling::FromMeta;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, Meta, ReturnType, Signature, Type, TypeParamBound, TypeTraitObject};

use super::variant::VariantOptions;
use super::{Place, boxed_dyn};
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{hidden_beside, reemitted_policy, register};
use crate::item::Function;
use crate::options::{self, Options, Word};
use crate::signature::{check_unconditional, from_context, requires, text};

pub(super) fn expand(args: TokenStream, mut function: Function) -> TokenStream {
    let mut errors = Errors::new();
    let enact = Enact::take(&mut function.attrs, &mut errors);
    let parsed = options::parse::<PolicyOptions>(args, &mut errors);
    Place::Function.check_word(parsed.options.policy.as_ref(), &parsed, &mut errors);
    let policy = Policy::check(&function.sig, &mut errors);
    let expansion =
        policy.map(|policy| if errors.is_empty() { policy.expand(&enact) } else { policy.declare(&enact) });
    let hidden = hidden_beside(&function, &expansion.unwrap_or_default());
    TokenStream::from_iter([reemitted_policy(&function), hidden, errors.report()])
}

#[derive(FromMeta)]
struct PolicyOptions {
    policy: Option<Word>,
}

impl Options for PolicyOptions {
    const ATTRIBUTE: &'static str = "`#[strategy(policy)]`";

    fn advice(unknown: &Meta) -> Option<String> {
        let is_named = options::exists_in::<VariantOptions>(unknown);
        Place::Function
            .advice(unknown)
            .or(is_named.then(|| "a strategy has one policy, which needs no name".to_owned()))
    }
}

struct Policy<'a> {
    function: &'a Ident,
    /// `dyn Strategy`
    strategy: &'a Type,
    parameters: Parameters<'a>,
}

impl<'a> Policy<'a> {
    /// The policy; `None` where a mistake leaves nothing to speak of.
    fn check(sig: &'a Signature, errors: &mut Errors) -> Option<Self> {
        check_sync(sig, errors);
        check_generics(sig, errors);
        let parameters = Parameters::check(sig, errors);
        let strategy = strategy(sig, errors);
        Some(Self { function: &sig.ident, strategy: strategy?, parameters: parameters? })
    }

    fn expand(&self, enact: &Enact) -> TokenStream {
        let Self { function, strategy, parameters: Parameters { context, drawn } } = self;
        let requires = requires(enact, drawn.iter().copied());
        let arguments = drawn.iter().map(|ty| from_context(enact, ty));
        // At its parameter, where an error is shown if the function takes something else.
        let context = quote_spanned!(Span::call_site().located_at(context.span())=> __context);
        let select = quote! {
            #requires
            fn select(
                __context: &#enact::ExecutionContext,
            ) -> ::core::result::Result<::std::boxed::Box<Self>, #enact::Failure> {
                ::core::result::Result::Ok(#function(#context #(, #arguments)*))
            }
        };
        let registration = register(enact, &quote_spanned!(strategy.span()=> policy::<#strategy>));
        let implementation = self.implement(enact, &select);
        quote!(#implementation #registration)
    }

    /// That the strategy has a policy. It is true of one with mistakes in it, too, so that these cause no further ones
    /// where the strategy is drawn.
    fn declare(&self, enact: &Enact) -> TokenStream {
        let select = quote! {
            fn select(
                _: &#enact::ExecutionContext,
            ) -> ::core::result::Result<::std::boxed::Box<Self>, #enact::Failure> {
                loop {}
            }
        };
        self.implement(enact, &select)
    }

    /// At the strategy's name, where a second policy is shown to conflict with the first. That it is a strategy is proved by
    /// the registration.
    fn implement(&self, enact: &Enact, members: &TokenStream) -> TokenStream {
        let strategy = self.strategy;
        let enact = enact.at(strategy.span());
        quote_spanned! {strategy.span()=>
            impl #enact::HasOnePolicy for #strategy
            where
                for<'__any> #strategy: #enact::Strategy,
            {
                #members
            }
        }
    }
}

/// The types that the function takes: the context's, and those drawn from it.
struct Parameters<'a> {
    context: &'a Type,
    drawn: Vec<&'a Type>,
}

impl<'a> Parameters<'a> {
    fn check(sig: &'a Signature, errors: &mut Errors) -> Option<Self> {
        let mut types = Vec::new();
        for input in &sig.inputs {
            match input {
                FnArg::Typed(parameter) => {
                    check_unconditional("a policy", parameter, errors);
                    types.push(&*parameter.ty);
                }
                FnArg::Receiver(receiver) => errors.add(
                    receiver,
                    "a policy is called by the runtime, which has no `self` to call a method on: write a function outside \
                     of `impl`",
                ),
            }
        }
        let mut types = types.into_iter();
        let Some(context) = types.next() else {
            errors.add(&sig.ident, wrong_first(sig));
            return None;
        };
        if !matches!(context, Type::Reference(reference) if reference.mutability.is_none()) {
            errors.add(context, wrong_first(sig));
        }
        Some(Self { context, drawn: types.inspect(|ty| check_owned(ty, errors)).collect() })
    }
}

/// What is drawn is no reference.
fn check_owned(ty: &Type, errors: &mut Errors) {
    if let Type::Reference(reference) = ty {
        let elem = text(&reference.elem);
        errors.add(
            reference,
            format!("what a policy looks at is drawn from the context, and not lent: take an `Arc<{elem}>` that was provided, or a `{elem}` that implements `FromContext`"),
        );
    }
}

/// The runtime calls the function.
fn check_generics(sig: &Signature, errors: &mut Errors) {
    if !sig.generics.params.is_empty() {
        let name = &sig.ident;
        errors.add(
            &sig.generics,
            format!("a policy is called by the runtime, which cannot choose generic parameters: write `{name}` for particular types"),
        );
    }
}

fn wrong_first(sig: &Signature) -> String {
    let name = &sig.ident;
    format!(
        "a policy chooses by the context of the execution, which is its first parameter: write \
         `fn {name}(context: &ExecutionContext) -> Box<dyn …>`"
    )
}

/// A variant is chosen at once.
fn check_sync(sig: &Signature, errors: &mut Errors) {
    if let Some(asyncness) = sig.asyncness {
        let name = &sig.ident;
        errors.add(
            asyncness,
            format!("a policy chooses by what the context knows already, so it has nothing to wait for: write `fn {name}`, without `async`"),
        );
    }
}

/// The `dyn Strategy` in the `Box<dyn Strategy>` that the function returns.
fn strategy<'a>(sig: &'a Signature, errors: &mut Errors) -> Option<&'a Type> {
    let returned = match &sig.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    let strategy = returned.and_then(boxed_dyn);
    if strategy.is_some_and(|strategy| !is_one_trait(strategy, errors)) {
        return None;
    }
    if strategy.is_none() {
        let name = &sig.ident;
        let place = returned.map_or_else(|| name.to_token_stream(), ToTokens::to_token_stream);
        errors.add(
            place,
            format!("the policy of a strategy is known by what it returns, a variant as `Box<dyn Strategy>`: write `fn {name}(…) -> Box<dyn …>`"),
        );
    }
    strategy
}

/// `dyn Strategy` is one type, and `dyn Strategy + Send` another.
fn is_one_trait(strategy: &Type, errors: &mut Errors) -> bool {
    let Type::TraitObject(TypeTraitObject { bounds, .. }) = strategy else { return false };
    let only = bounds.iter().find(|bound| matches!(bound, TypeParamBound::Trait(_))).to_token_stream();
    let is_alone = bounds.len() == 1;
    if !is_alone {
        errors.add(bounds, format!("a strategy is `Send` and `Sync` by itself: write `Box<dyn {only}>`"));
    }
    is_alone
}
