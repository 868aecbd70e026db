//! `#[strategy(policy)]` on a function.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ReturnType, Signature, Type};

use super::{boxed_dyn, check_word};
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{hidden, reemitted_policy, register};
use crate::item::Function;
use crate::options::Options;
use crate::signature::{requires, text};

pub(super) fn expand(args: TokenStream, mut function: Function) -> TokenStream {
    let mut errors = Errors::new();
    let enact = Enact::take(&mut function.attrs, &mut errors);
    let mut options = Options::parse("`#[strategy(policy)]`", args, &mut errors);
    check_word(&mut options, "policy", "a function, so it is the policy", &mut errors);
    options.misplaced(&["name"], "a strategy has one policy, which needs no name", &mut errors);
    options.finish(&mut errors);
    let policy = Policy::check(&function.sig, &mut errors);
    let expansion =
        policy.map(|policy| if errors.is_empty() { policy.expand(&enact) } else { policy.declare(&enact) });
    let hidden = hidden(&function.attrs, &expansion.unwrap_or_default());
    TokenStream::from_iter([reemitted_policy(&function), hidden, errors.report()])
}

struct Policy<'a> {
    function: &'a Ident,
    /// `dyn Strategy`
    strategy: &'a Type,
    drawn: Vec<&'a Type>,
}

impl<'a> Policy<'a> {
    /// The policy; `None` where a mistake leaves nothing to speak of.
    fn check(sig: &'a Signature, errors: &mut Errors) -> Option<Self> {
        check_sync(sig, errors);
        if !sig.generics.params.is_empty() {
            errors.add(
                &sig.generics,
                "a policy is called by the runtime, which cannot choose generic parameters",
            );
        }
        let drawn = drawn(sig, errors);
        let strategy = strategy(sig, errors)?;
        Some(Self { function: &sig.ident, strategy, drawn })
    }

    fn expand(&self, enact: &Enact) -> TokenStream {
        let Self { function, strategy, drawn } = self;
        let requires = requires(enact, drawn.iter().copied());
        let arguments = drawn.iter().map(|ty| quote!(<#ty as #enact::FromContext>::from_context(__context)?));
        let select = quote! {
            #requires
            fn select(
                __context: &#enact::ExecutionContext,
            ) -> ::core::result::Result<::std::boxed::Box<Self>, #enact::Failure> {
                ::core::result::Result::Ok(#function(__context #(, #arguments)*))
            }
        };
        let registration = register(enact, &quote!(policy::<#strategy>));
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

    /// At the strategy's name, where a second policy is shown to conflict with the first.
    fn implement(&self, enact: &Enact, members: &TokenStream) -> TokenStream {
        let strategy = self.strategy;
        let enact = enact.at(strategy.span());
        let header = quote_spanned!(strategy.span()=> impl #enact::HasOnePolicy for #strategy);
        quote!(#header { #members })
    }
}

/// The first parameter is the context; further ones are drawn from it.
fn drawn<'a>(sig: &'a Signature, errors: &mut Errors) -> Vec<&'a Type> {
    let mut inputs = sig.inputs.iter();
    let is_context = |input: &FnArg| match input {
        FnArg::Typed(parameter) => {
            matches!(&*parameter.ty, Type::Reference(reference) if reference.mutability.is_none())
        }
        FnArg::Receiver(_) => false,
    };
    match inputs.next() {
        Some(first) if is_context(first) => {}
        Some(first) => errors.add(first, wrong_first(sig)),
        None => errors.add(&sig.ident, wrong_first(sig)),
    }
    inputs
        .filter_map(|input| match input {
            FnArg::Typed(parameter) => Some(&*parameter.ty),
            FnArg::Receiver(_) => None,
        })
        .inspect(|ty| {
            if let Type::Reference(reference) = ty {
                let elem = text(&reference.elem);
                errors.add(
                    reference,
                    format!("what a policy looks at is drawn from the context, and not lent: take an `Arc<{elem}>` that was provided, or a `{elem}` that implements `FromContext`"),
                );
            }
        })
        .collect()
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
