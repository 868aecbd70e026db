//! `#[strategy(variant)]` on an `impl`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Generics, ItemImpl, Meta, Path, Type};

use super::place::Place;
use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::{async_trait, hidden, register};
use crate::options::{self, Options, Parsed, Setting, Text, Word};
use crate::snake_case::snake_case;

pub(super) fn expand(args: TokenStream, mut item: ItemImpl) -> TokenStream {
    let mut errors = Errors::new();
    let enact = Enact::take(&mut item.attrs, &mut errors);
    let options = options::parse(args, &mut errors);
    let Some(variant) = Variant::check(options, &item, &mut errors) else {
        return TokenStream::from_iter([quote!(#item), errors.report()]);
    };
    let expansion = if errors.is_empty() { variant.expand(&enact) } else { variant.declare(&enact) };
    let hidden = hidden(&item.attrs, &expansion);
    let async_trait = async_trait(&enact);
    TokenStream::from_iter([quote!(#async_trait #item), hidden, errors.report()])
}

#[derive(FromMeta)]
pub(super) struct VariantOptions {
    variant: Option<Word>,
    name: Option<Setting<Text>>,
}

impl Options for VariantOptions {
    const ATTRIBUTE: &'static str = "`#[strategy(variant)]`";

    fn advice(unknown: &Meta) -> Option<String> {
        Place::Impl.advice(unknown)
    }
}

struct Variant<'a> {
    strategy: &'a Path,
    ty: &'a Type,
    generics: &'a Generics,
    name: String,
}

impl<'a> Variant<'a> {
    /// The variant; `None` if a mistake leaves nothing to implement.
    fn check(parsed: Parsed<VariantOptions>, item: &'a ItemImpl, errors: &mut Errors) -> Option<Self> {
        Place::Impl.check_word(parsed.options.variant.as_ref(), &parsed, errors);
        let ItemImpl { generics, trait_, self_ty: ty, .. } = item;
        if !generics.params.is_empty() {
            errors.add(
                generics,
                "a variant cannot be generic, because its name identifies one type: write the `impl` for a concrete type",
            );
        }
        let Some((strategy, _)) = trait_ else {
            errors.add(ty, "a variant must implement the trait of its strategy: write `impl Strategy for …`");
            return None;
        };
        let name = parsed.options.name.map(|name| name.value.0).or_else(|| default_name(ty));
        if name.is_none() && item.generics.params.is_empty() {
            errors.add(
                ty,
                "this type has no name that the variant could use: write `#[strategy(variant, name = \"…\")]`",
            );
        }
        Some(Self { strategy, ty, generics, name: name.unwrap_or_default() })
    }

    fn expand(&self, enact: &Enact) -> TokenStream {
        let Self { strategy, ty, name, .. } = self;
        let declaration = self.declare(enact);
        let at_type = enact.at(ty.span());
        let unique = unique(name);
        let unique = quote_spanned!(ty.span()=> impl #at_type::__private::HasOneVariantNamed<#unique> for dyn #strategy {});
        let registration = register(enact, &quote_spanned!(strategy.span()=> variant::<dyn #strategy, #ty>));
        quote!(#declaration #unique #registration)
    }

    /// Declares that the type is a variant. One with mistakes is declared too, to avoid further errors where the strategy
    /// requires it.
    fn declare(&self, enact: &Enact) -> TokenStream {
        let Self { strategy, ty, generics, name } = self;
        let (parameters, _, conditions) = generics.split_for_impl();
        // At the strategy's name, where the compiler reports a trait that is not a strategy.
        let enact = enact.at(strategy.span());
        quote_spanned! {strategy.span()=>
            impl #parameters #enact::Variant<<dyn #strategy as #enact::Strategy>::Tag> for #ty #conditions {
                const NAME: &'static str = #name;
            }
        }
    }
}

/// The type's name in snake case.
fn default_name(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    // `Box<Other>` has no name of its own.
    let last = path.path.segments.last().filter(|segment| segment.arguments.is_none());
    last.map(|segment| snake_case(&segment.ident.unraw().to_string()))
}

/// A number for a name, so that the compiler reports two variants of one name as conflicting implementations. The FNV-1a
/// hash is the same in every build.
fn unique(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
