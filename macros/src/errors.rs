//! All that is wrong with one item, reported in one compile.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far. It must end in [`Errors::report`]: a mistake that is found and not reported would be
/// accepted silently.
#[derive(Debug)]
pub(crate) struct Errors {
    found: Option<Vec<syn::Error>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: Some(Vec::new()) }
    }

    /// Adds a mistake, to be shown under `tokens`.
    ///
    /// The message says what is wrong, why, and what to write.
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl AsRef<str>) {
        self.push(syn::Error::new_spanned(tokens, message.as_ref()));
    }

    /// Adds a mistake that concerns the attribute as a whole.
    pub(crate) fn add_at_attribute(&mut self, message: impl AsRef<str>) {
        self.push(syn::Error::new(proc_macro2::Span::call_site(), message.as_ref()));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.get_or_insert_default().push(error);
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.as_ref().is_none_or(Vec::is_empty)
    }

    /// The mistakes, as code that makes the compiler report each.
    pub(crate) fn report(mut self) -> TokenStream {
        self.found.take().into_iter().flatten().map(|error| error.to_compile_error()).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(self.found.is_none() || std::thread::panicking(), "errors were found and not reported");
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn every_mistake_is_reported() {
        let mut errors = Errors::new();
        errors.add(quote!(a), "one");
        errors.add(quote!(b), "two");

        let report = errors.report().to_string();

        assert!(report.contains("\"one\"") && report.contains("\"two\""), "{report}");
    }

    #[test]
    #[should_panic(expected = "not reported")]
    fn to_forget_the_report_is_a_bug_that_shows() {
        drop(Errors::new());
    }
}
