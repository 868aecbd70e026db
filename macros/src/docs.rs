//! Doc comments.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The first paragraph of an item's doc comment, on one line.
pub(crate) fn first_paragraph(attrs: &[Attribute]) -> Option<String> {
    let lines: Vec<_> = attrs.iter().filter_map(text).collect();
    let lines = lines.iter().flat_map(|text| text.split('\n')).map(str::trim);
    let paragraph: Vec<_> =
        lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect();
    (!paragraph.is_empty()).then(|| paragraph.join(" "))
}

fn text(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_quote};

    use super::*;

    #[test]
    fn lines_of_the_first_paragraph_are_joined() {
        let function: ItemFn = parse_quote! {
            /// One sentence
            /// on two lines.
            ///
            /// And more.
            #[cfg(test)]
            fn f() {}
        };
        assert_eq!(first_paragraph(&function.attrs).as_deref(), Some("One sentence on two lines."));
    }

    #[test]
    fn without_a_doc_comment_there_is_none() {
        let function: ItemFn = parse_quote!(
            #[cfg(test)]
            fn f() {}
        );
        assert_eq!(first_paragraph(&function.attrs), None);
    }
}
