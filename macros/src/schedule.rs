//! When a command recurs: `every`, `cron`, `missed` and `overlap` of a handler's `#[command]`.

use darling::FromMeta;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::options::{CronPattern, DurationExpr, MissedExpr, Setting, Suggestion, Value};

/// A schedule, and the option that declares it.
pub(crate) struct Schedule {
    key: Ident,
    times: Times,
    missed: Option<MissedExpr>,
    overlap: Option<Setting<OverlapPolicy>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, FromMeta)]
pub(crate) enum OverlapPolicy {
    Skip,
    Queue,
    Allow,
}

impl Value for OverlapPolicy {
    const FORM: &'static str = "skip`, `overlap = queue` or `overlap = allow";

    fn read(tokens: TokenStream) -> Result<Self, Suggestion> {
        let word: Ident = syn::parse2(tokens).map_err(|_| Suggestion::None)?;
        Self::from_string(&word.to_string()).map_err(|error| Suggestion::of(&error))
    }
}

enum Times {
    Every(Box<DurationExpr>),
    Cron(CronPattern),
}

impl Schedule {
    /// `is_rejected`: whether a schedule was given that has been reported as wrong.
    pub(crate) fn check(
        every: Option<Setting<DurationExpr>>,
        cron: Option<Setting<CronPattern>>,
        missed: Option<Setting<MissedExpr>>,
        overlap: Option<Setting<OverlapPolicy>>,
        is_rejected: bool,
        errors: &mut Errors,
    ) -> Option<Self> {
        check_one(every.as_ref(), cron.as_ref(), errors);
        let is_scheduled = every.is_some() || cron.is_some() || is_rejected;
        if !is_scheduled {
            let misplaced = [missed.as_ref().map(|it| &it.key), overlap.as_ref().map(|it| &it.key)];
            misplaced.into_iter().flatten().for_each(|key| report_without_schedule(key, errors));
        }
        let every = every.map(|Setting { key, value }| (key, Times::Every(Box::new(value))));
        let cron = cron.map(|Setting { key, value }| (key, Times::Cron(value)));
        let (key, times) = every.or(cron)?;
        Some(Self { key, times, missed: missed.map(|Setting { value, .. }| value), overlap })
    }

    /// `fn schedule()`. It has the span of the option, where the compiler reports a missing `From<Tick>`.
    pub(crate) fn expand(&self, enact: &Enact, command: &Type) -> TokenStream {
        let Self { key, times, missed, overlap } = self;
        let enact_at_option = enact.at(key.span());
        let missed = missed.as_ref().map(|missed| {
            quote! {
                let __missed: #enact::Missed = #missed;
                let __schedule = __schedule.missed(__missed);
            }
        });
        let overlap = overlap.as_ref().map(|Setting { key, value }| {
            let word = match value {
                OverlapPolicy::Skip => "Skip",
                OverlapPolicy::Queue => "Queue",
                OverlapPolicy::Allow => "Allow",
            };
            let variant = Ident::new(word, key.span());
            quote!(let __schedule = __schedule.overlap(#enact::Overlap::#variant);)
        });
        let schedule = match times {
            Times::Every(period) => {
                // Not with the hygiene of the option, which a macro may have written.
                let name = Ident::new("__period", Span::call_site().located_at(key.span()));
                let schedule = quote_spanned!(key.span()=> #enact_at_option::Schedule::every(#name));
                quote! {
                    let __period: ::core::time::Duration = #period;
                    let __schedule = #schedule;
                }
            }
            Times::Cron(pattern) => {
                let schedule = quote_spanned!(key.span()=> #enact_at_option::Schedule::cron(#pattern));
                quote!(let __schedule = #schedule;)
            }
        };
        quote! {
            fn schedule() -> ::core::option::Option<#enact::Schedule<#command>> {
                #schedule
                #missed
                #overlap
                ::core::option::Option::Some(__schedule)
            }
        }
    }
}

/// A command has one schedule.
fn check_one(
    every: Option<&Setting<DurationExpr>>,
    cron: Option<&Setting<CronPattern>>,
    errors: &mut Errors,
) {
    if let (Some(every), Some(cron)) = (every, cron) {
        errors.add(
            &cron.key,
            format!(
                "a command has one schedule: remove `{}` or `{}`, or write a second command",
                every.key, cron.key
            ),
        );
    }
}

/// `missed` and `overlap` need a schedule.
fn report_without_schedule(key: &Ident, errors: &mut Errors) {
    errors.add(
        key,
        format!(
            "`{key}` needs a schedule: add `every = Duration::…` or `cron = \"0 3 * * *\"`, or remove `{key}`"
        ),
    );
}
