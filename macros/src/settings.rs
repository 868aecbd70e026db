//! The settings of a handler's jobs, which all handlers have in common.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;

use crate::constructs::constructs;
use crate::crate_path::Enact;
use crate::item::Function;
use crate::options::{DurationExpr, RetryExpr, Setting, Text};
use crate::signature::HandlerSignature;

/// The options of `#[command]` on a function and of `#[event_handler]`.
#[derive(FromMeta)]
pub(crate) struct SettingsOptions {
    queue: Option<Setting<Text>>,
    retry: Option<Setting<RetryExpr>>,
    timeout: Option<Setting<DurationExpr>>,
}

/// `impl Handler`: the settings, what the parameters need, and what the function constructs.
pub(crate) fn handler(
    enact: &Enact,
    settings: &SettingsOptions,
    signature: &HandlerSignature<'_>,
    function: &Function,
) -> TokenStream {
    let settings = settings.expand(enact);
    let requires = signature.requires(enact);
    let constructs = constructs(function);
    quote! {
        struct __Handler;
        impl #enact::Handler for __Handler {
            #settings
            #requires
            #constructs
        }
    }
}

impl SettingsOptions {
    /// `fn settings()`, if any option is given. The types of the values are proved here.
    fn expand(&self, enact: &Enact) -> Option<TokenStream> {
        let Self { queue, retry, timeout } = self;
        let queue = queue.as_ref().map(|Setting { value: Text(queue), .. }| quote!(.queue(#queue)));
        let retry = retry.as_ref().map(|Setting { value: retry, .. }| {
            let proof = quote!(let __retry: #enact::Retry = #retry;);
            (proof, quote!(.retry(__retry)))
        });
        let timeout = timeout.as_ref().map(|Setting { value: timeout, .. }| {
            let proof = quote!(let __timeout: ::core::time::Duration = #timeout;);
            (proof, quote!(.timeout(__timeout)))
        });
        let (proofs, mut calls): (Vec<_>, Vec<_>) = [retry, timeout].into_iter().flatten().unzip();
        calls.extend(queue);
        (!calls.is_empty()).then(|| {
            quote! {
                fn settings() -> #enact::HandlerSettings {
                    #(#proofs)*
                    #enact::HandlerSettings::new() #(#calls)*
                }
            }
        })
    }
}
