//! The types that a handler's source constructs. The wiring lists the events and commands among them as what the handler
//! emits and publishes.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;

use crate::item::Function;

/// `const CONSTRUCTS`, if there are any. They are names and not types, because a name may resolve to something else outside
/// the function. The runtime compares them with the names of events and commands.
pub(crate) fn constructs(function: &Function) -> TokenStream {
    let mut names = BTreeSet::new();
    collect(function.body.clone(), &mut names);
    if names.is_empty() {
        return TokenStream::new();
    }
    quote!(const CONSTRUCTS: &'static [&'static str] = &[#(#names),*];)
}

fn collect(tokens: TokenStream, names: &mut BTreeSet<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Ident(ident) if is_constructed(&tokens, index) => {
                let name = ident.unraw().to_string();
                // Skips keywords, and variables before a block.
                if name.starts_with(char::is_uppercase) {
                    names.insert(name);
                }
            }
            _ => {}
        }
    }
}

/// Whether the identifier at `index` is a type in `Type { … }` or `Type::new(…)`, and not in a pattern.
fn is_constructed(tokens: &[TokenTree], index: usize) -> bool {
    let punct = |at: usize, wanted| matches!(tokens.get(at), Some(TokenTree::Punct(found)) if found.as_char() == wanted);
    let group = |at: usize, wanted| matches!(tokens.get(at), Some(TokenTree::Group(found)) if found.delimiter() == wanted);
    if group(index + 1, Delimiter::Brace) {
        let is_pattern = (punct(index + 2, '=') && !punct(index + 3, '=')) || punct(index + 2, '|');
        return !is_pattern;
    }
    let is_function = matches!(tokens.get(index + 3), Some(TokenTree::Ident(_)));
    punct(index + 1, ':') && punct(index + 2, ':') && is_function && group(index + 4, Delimiter::Parenthesis)
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn names(function: Function) -> Vec<String> {
        let mut names = BTreeSet::new();
        collect(function.body, &mut names);
        names.into_iter().collect()
    }

    #[test]
    fn constructed_types_are_found_and_patterns_are_not() {
        let built = names(parse_quote! {
            async fn f(w: Withdraw) {
                let Withdraw { account, .. } = w;
                if account.is_empty() {
                    enact::emit(events::Refused { account: account.clone() });
                }
                let event = Withdrawn::of(account);
                match event {
                    Withdrawn { cents: 0, .. } => {}
                    Ignored { .. } | Other { .. } => publish(r#Report {}),
                }
            }
        });
        assert_eq!(built, ["Refused", "Report", "Withdrawn"]);
    }

    #[test]
    fn a_handler_that_constructs_nothing_has_no_constant() {
        let function: Function = parse_quote!(
            async fn f(w: Withdraw) {
                w.cents += 1;
            }
        );
        assert!(constructs(&function).is_empty());
    }
}
