//! When a command recurs: `every`, `cron` and `missed` of a handler's `#[command]`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::options::{CronPattern, DurationExpr, MissedExpr, Setting};

/// A schedule, and the option that declares it.
pub(crate) struct Schedule {
    key: Ident,
    times: Times,
    missed: Option<MissedExpr>,
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
        is_rejected: bool,
        errors: &mut Errors,
    ) -> Option<Self> {
        check_one(every.as_ref(), cron.as_ref(), errors);
        let is_scheduled = every.is_some() || cron.is_some() || is_rejected;
        check_missed(missed.as_ref(), is_scheduled, errors);
        let every = every.map(|Setting { key, value }| (key, Times::Every(Box::new(value))));
        let cron = cron.map(|Setting { key, value }| (key, Times::Cron(value)));
        let (key, times) = every.or(cron)?;
        Some(Self { key, times, missed: missed.map(|Setting { value, .. }| value) })
    }

    /// `fn schedule()`. It has the span of the option, where the compiler reports a missing `From<Tick>`.
    pub(crate) fn expand(&self, enact: &Enact, command: &Type) -> TokenStream {
        let Self { key, times, missed } = self;
        let enact_at_option = enact.at(key.span());
        let missed = missed.as_ref().map(|missed| {
            quote! {
                let __missed: #enact::Missed = #missed;
                let __schedule = __schedule.missed(__missed);
            }
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

/// `missed` needs a schedule.
fn check_missed(missed: Option<&Setting<MissedExpr>>, is_scheduled: bool, errors: &mut Errors) {
    if let (Some(Setting { key, .. }), false) = (missed, is_scheduled) {
        errors.add(
            key,
            "`missed` needs a schedule: add `every = Duration::…` or `cron = \"0 3 * * *\"`, or remove `missed`",
        );
    }
}
