//! Collects the mistakes in one item, so that one compile reports them all.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far. Dropping it without [`Errors::report`] panics, as the mistakes would be accepted silently.
///
/// darling's accumulator would do the same, but keeps one span for each error. On a stable compiler that is the first token
/// of what is wrong; these errors underline the whole.
#[derive(Debug)]
pub(crate) struct Errors {
    found: Option<Vec<syn::Error>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: Some(Vec::new()) }
    }

    /// Adds a mistake, which underlines `tokens`. The message says what is wrong, why, and what to write.
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl AsRef<str>) {
        self.push(syn::Error::new_spanned(tokens, message.as_ref()));
    }

    /// Adds a mistake that underlines the attribute.
    pub(crate) fn add_at_attribute(&mut self, message: impl AsRef<str>) {
        self.push(syn::Error::new(proc_macro2::Span::call_site(), message.as_ref()));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.get_or_insert_default().push(error);
    }

    /// Whether no mistake was found so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// How many mistakes were found so far.
    pub(crate) fn count(&self) -> usize {
        self.found.as_ref().map_or(0, Vec::len)
    }

    /// One `compile_error!` for each mistake.
    pub(crate) fn report(mut self) -> TokenStream {
        self.found.take().into_iter().flatten().map(|error| error.to_compile_error()).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(self.found.is_none() || std::thread::panicking(), "the errors of an item were not reported");
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
