//! `#[strategy(policy)]` on a function.

use darling::FromMeta;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    FnArg, GenericArgument, Ident, Meta, PathArguments, ReturnType, Signature, Type, TypeParamBound,
    TypePath, TypeTraitObject,
};

use super::place::Place;
use super::variant::VariantOptions;
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{hidden_beside, reemitted_policy, register};
use crate::item::Function;
use crate::options::{self, Options, Parsed, Word};
use crate::signature::{check_unconditional, from_context, requires, text};

pub(super) fn expand(args: TokenStream, mut function: Function) -> TokenStream {
    let mut errors = Errors::new();
    let enact = Enact::take(&mut function.attrs, &mut errors);
    let options = options::parse(args, &mut errors);
    let policy = Policy::check(&options, &function.sig, &mut errors);
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
    /// The policy; `None` if a mistake leaves nothing to implement.
    fn check(parsed: &Parsed<PolicyOptions>, sig: &'a Signature, errors: &mut Errors) -> Option<Self> {
        Place::Function.check_word(parsed.options.policy.as_ref(), parsed, errors);
        check_sync(sig, errors);
        check_generics(sig, errors);
        let parameters = Parameters::check(sig, errors);
        let strategy = strategy(sig, errors);
        Some(Self { function: &sig.ident, strategy: strategy?, parameters: parameters? })
    }

    fn expand(&self, enact: &Enact) -> TokenStream {
        let Self { function, strategy, parameters: Parameters { context, extracted } } = self;
        let requires = requires(enact, extracted.iter().copied());
        let arguments = extracted.iter().map(|ty| from_context(enact, ty));
        // At the parameter, where the compiler reports one of another type.
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

    /// Declares that the strategy has a policy. One with mistakes is declared too, to avoid further errors where the
    /// strategy is extracted.
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

    /// At the strategy's name, where the compiler reports a second policy as a conflicting implementation. The registration
    /// proves that it is a strategy.
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

/// The types that the function takes: the context, and those extracted from it.
struct Parameters<'a> {
    context: &'a Type,
    extracted: Vec<&'a Type>,
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
                    "a policy cannot be a method, because the runtime has no `self` to call it on: write a free function",
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
        Some(Self { context, extracted: types.inspect(|ty| check_owned(ty, errors)).collect() })
    }
}

/// An extracted value is not a reference.
fn check_owned(ty: &Type, errors: &mut Errors) {
    if let Type::Reference(reference) = ty {
        let elem = text(&reference.elem);
        errors.add(
            reference,
            format!("a policy cannot take `&{elem}` after the context: write `Arc<{elem}>` for a provided capability, or `{elem}` if it implements `FromContext`"),
        );
    }
}

/// The runtime calls the function.
fn check_generics(sig: &Signature, errors: &mut Errors) {
    if !sig.generics.params.is_empty() {
        let name = &sig.ident;
        errors.add(
            &sig.generics,
            format!(
                "a policy cannot be generic, because the runtime calls it: write `{name}` for concrete types"
            ),
        );
    }
}

fn wrong_first(sig: &Signature) -> String {
    let name = &sig.ident;
    format!(
        "a policy takes the execution context as its first parameter: write `fn {name}(context: &ExecutionContext) -> Box<dyn …>`"
    )
}

/// The runtime calls a policy synchronously.
fn check_sync(sig: &Signature, errors: &mut Errors) {
    if let Some(asyncness) = sig.asyncness {
        let name = &sig.ident;
        errors.add(
            asyncness,
            format!(
                "a policy cannot be `async`, because it chooses before the handler runs: write `fn {name}`"
            ),
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
            format!("a policy must return its strategy, as `Box<dyn Strategy>`: write `fn {name}(…) -> Box<dyn …>`"),
        );
    }
    strategy
}

/// `dyn Strategy` and `dyn Strategy + Send` are different types.
fn is_one_trait(strategy: &Type, errors: &mut Errors) -> bool {
    let Type::TraitObject(TypeTraitObject { bounds, .. }) = strategy else { return false };
    let only = bounds.iter().find(|bound| matches!(bound, TypeParamBound::Trait(_))).to_token_stream();
    let is_alone = bounds.len() == 1;
    if !is_alone {
        errors.add(bounds, format!("a strategy is already `Send` and `Sync`: write `Box<dyn {only}>`"));
    }
    is_alone
}

/// The `dyn Trait` in `Box<dyn Trait>`.
fn boxed_dyn(ty: &Type) -> Option<&Type> {
    let Type::Path(TypePath { path, .. }) = ty else { return None };
    let last = path.segments.last().filter(|segment| segment.ident == "Box")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let GenericArgument::Type(inner) = arguments.args.first()? else { return None };
    let Type::TraitObject(object) = inner else { return None };
    let is_trait = object.bounds.iter().any(|bound| matches!(bound, TypeParamBound::Trait(_)));
    is_trait.then_some(inner)
}
