//! The path by which expansions reach the runtime crate.

use darling::FromMeta;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, LitStr, Meta, Path};

use crate::errors::Errors;
use crate::options::{self, CratePath, Options, Setting};

/// The runtime crate, as an expansion names it: `::enact`, or what `#[enact(crate = "…")]` on the item says.
///
/// Absolute, so that no name in the user's scope can stand in its way.
pub(crate) struct Enact(TokenStream);

impl Enact {
    /// Takes `#[enact(…)]` off the item.
    pub(crate) fn take(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Self {
        let mut path = None;
        for attribute in attrs.extract_if(.., |attribute| attribute.path().is_ident("enact")) {
            let args = match attribute.meta {
                Meta::List(list) => list.tokens,
                Meta::Path(_) | Meta::NameValue(_) => {
                    errors.add(
                        attribute,
                        "`#[enact]` says where the crate is: write `#[enact(crate = \"…\")]`",
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

    /// The same, where errors are to be shown at a place of the user's.
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
        errors.add(path, "this is no path of a crate or module: write `crate = \"::my_enact\"`");
        return None;
    };
    Some(parsed.to_token_stream())
}

#[cfg(test)]
impl Enact {
    /// The path of who has not renamed it.
    pub(crate) fn unnamed() -> Self {
        Self(quote!(::enact))
    }
}
