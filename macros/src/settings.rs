//! The settings of a handler's jobs, which all handlers have in common.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;

use crate::crate_path::Enact;
use crate::options::{DurationExpr, RetryExpr, Setting, Text};

/// The options of `#[command]` on a function and of `#[event_handler]`.
#[derive(FromMeta)]
pub(crate) struct SettingsOptions {
    queue: Option<Setting<Text>>,
    retry: Option<Setting<RetryExpr>>,
    timeout: Option<Setting<DurationExpr>>,
}

impl SettingsOptions {
    pub(crate) fn expand(&self, enact: &Enact) -> TokenStream {
        let queue = self
            .queue
            .as_ref()
            .map(|Setting { value: Text(queue), .. }| quote!(const QUEUE: &'static str = #queue;));
        let retry = self
            .retry
            .as_ref()
            .map(|Setting { value: retry, .. }| quote!(fn retry() -> #enact::Retry { #retry }));
        let timeout = self.timeout.as_ref().map(|Setting { value: timeout, .. }| {
            quote! {
                fn timeout() -> ::core::option::Option<::core::time::Duration> {
                    let __timeout: ::core::time::Duration = #timeout;
                    ::core::option::Option::Some(__timeout)
                }
            }
        });
        quote!(#queue #retry #timeout)
    }
}
