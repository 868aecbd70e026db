//! The path by which expansions reach the runtime crate.

use darling::FromMeta;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, LitStr, Meta, Path};

use crate::errors::Errors;
use crate::options::{self, CratePath, Options, Setting};

/// The path of the runtime crate in an expansion: `::enact`, or the one in `#[enact(crate = "…")]` on the item.
///
/// It is absolute, so that no name in the user's scope can shadow it.
pub(crate) struct Enact(TokenStream);

impl Enact {
    /// Removes `#[enact(…)]` from the item.
    pub(crate) fn take(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut path = None;
        for attribute in attrs.extract_if(.., |attribute| attribute.path().is_ident("enact")) {
            let args = match attribute.meta {
                Meta::List(list) => list.tokens,
                Meta::Path(_) | Meta::NameValue(_) => {
                    errors.add(
                        attribute,
                        "`#[enact]` needs the path of the crate: write `#[enact(crate = \"…\")]`",
                    );
                    continue;
                }
            };
            let EnactOptions { path: given } = options::parse(args, errors).options;
            if let Some(Setting { value: CratePath(given), .. }) = given {
                path = parse(&given, errors);
            }
        }
        Self(path.unwrap_or_else(|| quote!(::enact)))
    }

    /// The path with a span in the user's code, where the compiler then reports errors.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        let located = self.0.clone().into_iter().map(|mut token| {
            token.set_span(span);
            token
        });
        located.collect()
    }
}

#[derive(FromMeta)]
struct EnactOptions {
    #[darling(rename = "crate")]
    path: Option<Setting<CratePath>>,
}

impl Options for EnactOptions {
    const ATTRIBUTE: &'static str = "`#[enact]`";
}

impl ToTokens for Enact {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.at(Span::call_site()).to_tokens(tokens);
    }
}

fn parse(path: &LitStr, errors: &mut Errors) -> Option<TokenStream> {
    let Ok(parsed) = path.parse_with(Path::parse_mod_style) else {
        errors.add(path, "this is not the path of a crate or a module: write `crate = \"::my_enact\"`");
        return None;
    };
    Some(parsed.to_token_stream())
}

#[cfg(test)]
impl Enact {
    /// The default path.
    pub(crate) fn unnamed() -> Self {
        Self(quote!(::enact))
    }
}
