//! `#[derive(Failure)]`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Field, Fields, Ident, Member, Meta, Type};

use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion::hidden;
use crate::options::{self, Options, Setting, Text, Word};
use crate::snake_case::snake_case;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let mut input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut input.attrs, &mut errors);
    let error = ClassifiedError::check(&input, &mut errors);
    let expansion = error.map(|error| hidden(&input.attrs, &error.expand(&enact)));
    TokenStream::from_iter([expansion.unwrap_or_default(), errors.report()])
}

/// The options of a variant or a struct.
#[derive(FromMeta)]
struct CaseOptions {
    retry: Option<Word>,
    permanent: Option<Word>,
    transparent: Option<Word>,
    code: Option<Setting<Text>>,
}

impl Options for CaseOptions {
    const ATTRIBUTE: &'static str = "`#[failure]`";
}

/// The options of an enum: the default of its variants.
#[derive(FromMeta)]
struct EnumOptions {
    retry: Option<Word>,
    permanent: Option<Word>,
}

impl Options for EnumOptions {
    const ATTRIBUTE: &'static str = "`#[failure]` on an enum";

    fn advice(unknown: &Meta) -> Option<String> {
        options::exists_in::<CaseOptions>(unknown)
            .then(|| "it describes one variant, so it belongs on a variant".to_owned())
    }
}

/// The tokens in the parentheses of each `#[failure(…)]`.
fn arguments(attrs: &[Attribute], errors: &mut Errors) -> Vec<TokenStream> {
    let mut arguments = Vec::new();
    for attribute in attrs.iter().filter(|attribute| is_ours(attribute)) {
        match attribute.meta.require_list() {
            Ok(list) => arguments.push(list.tokens.clone()),
            Err(_) => errors.add(
                attribute,
                "`failure` needs options: write `#[failure(permanent)]`, for example, or remove it",
            ),
        }
    }
    arguments
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("failure")
}

/// An error type and its cases.
struct ClassifiedError<'a> {
    ident: &'a Ident,
    cases: Vec<Case<'a>>,
}

/// A variant, or a struct.
struct Case<'a> {
    name: &'a Ident,
    path: TokenStream,
    class: Class<'a>,
}

enum Class<'a> {
    Own {
        code: String,
        permanent: bool,
    },
    /// Classified by its only field.
    OfField(Member, &'a Type),
}

impl<'a> ClassifiedError<'a> {
    /// The error; `None` if a mistake leaves nothing to implement.
    fn check(input: &'a DeriveInput, errors: &mut Errors) -> Option<Self> {
        let ident = &input.ident;
        let cases: Vec<_> = match &input.data {
            Data::Struct(data) => {
                vec![Case::check(ident, quote!(Self), &input.attrs, &data.fields, false, errors)]
            }
            Data::Enum(data) => {
                let arguments = arguments(&input.attrs, errors);
                let EnumOptions { retry, permanent } = options::parse_all(arguments, errors).options;
                let permanent = is_permanent(retry, permanent, errors).unwrap_or(false);
                let variants = data.variants.iter().map(|variant| {
                    let path = &variant.ident;
                    let path = quote!(Self::#path);
                    Case::check(&variant.ident, path, &variant.attrs, &variant.fields, permanent, errors)
                });
                variants.collect()
            }
            Data::Union(data) => {
                errors.add(
                    data.union_token,
                    format!("a union cannot be classified, because it does not record which field is set: make `{ident}` an enum"),
                );
                return None;
            }
        };
        check_codes(&cases, errors);
        check_generics(input, errors).then_some(Self { ident, cases })
    }

    fn expand(&self, enact: &Enact) -> TokenStream {
        let ident = self.ident;
        let arms = self.cases.iter().map(|Case { path, class, .. }| match class {
            Class::Own { code, permanent: true } => {
                quote!(#path { .. } => #enact::Classification::permanent(#code))
            }
            Class::Own { code, permanent: false } => {
                quote!(#path { .. } => #enact::Classification::transient(#code))
            }
            Class::OfField(field, ty) => {
                quote!(#path { #field: ref __error } => <#ty as #enact::Classify>::classify(__error))
            }
        });
        quote! {
            #[automatically_derived]
            impl #enact::Classify for #ident {
                fn classify(&self) -> #enact::Classification {
                    match *self { #(#arms),* }
                }
            }
            #enact::register! { #enact::ErrorRegistration::of::<#ident>() }
        }
    }
}

impl<'a> Case<'a> {
    fn check(
        name: &'a Ident,
        path: TokenStream,
        attrs: &[Attribute],
        fields: &'a Fields,
        permanent_by_default: bool,
        errors: &mut Errors,
    ) -> Self {
        check_fields(fields, errors);
        let arguments = arguments(attrs, errors);
        let options: CaseOptions = options::parse_all(arguments, errors).options;
        check_transparent_alone(&options, errors);
        let field = options.transparent.and_then(|Word(key)| only_field(&key, name, fields, errors));
        let permanent = is_permanent(options.retry, options.permanent, errors);
        let class = field.unwrap_or_else(|| Class::Own {
            code: options.code.map_or_else(|| snake_case(&name.unraw().to_string()), |code| code.value.0),
            permanent: permanent.unwrap_or(permanent_by_default),
        });
        Self { name, path, class }
    }

    /// Its own code, if it has one.
    fn code(&self) -> Option<&str> {
        match &self.class {
            Class::Own { code, .. } => Some(code),
            Class::OfField(..) => None,
        }
    }
}

/// Whether one of the two words is given, and which.
fn is_permanent(retry: Option<Word>, permanent: Option<Word>, errors: &mut Errors) -> Option<bool> {
    if let (Some(Word(retry)), Some(_)) = (&retry, &permanent) {
        errors.add(retry, "`retry` and `permanent` contradict each other: remove one of the two");
    }
    retry.map(|_| false).or(permanent.map(|_| true))
}

/// `transparent` excludes the other options.
fn check_transparent_alone(options: &CaseOptions, errors: &mut Errors) {
    let CaseOptions { retry, permanent, transparent: Some(Word(transparent)), code } = options else {
        return;
    };
    if retry.is_some() || permanent.is_some() || code.is_some() {
        errors.add(
            transparent,
            "`transparent` takes the code and the retry from the type of the field: remove it, or the other options",
        );
    }
}

/// The field that classifies a `transparent` case.
fn only_field<'a>(
    transparent: &Ident,
    name: &Ident,
    fields: &'a Fields,
    errors: &mut Errors,
) -> Option<Class<'a>> {
    let mut members = fields.members().zip(fields);
    if let (Some((member, Field { ty, .. })), None) = (members.next(), members.next()) {
        return Some(Class::OfField(member, ty));
    }
    let count = match fields.len() {
        0 => "none".to_owned(),
        many => many.to_string(),
    };
    errors.add(
        transparent,
        format!(
            "`transparent` needs exactly one field, and `{name}` has {count}: write `permanent`, `retry` or `code = \"…\"` \
             instead"
        ),
    );
    None
}

/// A field is not classified.
fn check_fields(fields: &Fields, errors: &mut Errors) {
    for attribute in fields.iter().flat_map(|field| &field.attrs).filter(|attribute| is_ours(attribute)) {
        errors.add(attribute, "`#[failure]` cannot be used on a field: move it to the variant or the struct");
    }
}

/// The code identifies a case, so no two cases have the same.
fn check_codes(cases: &[Case<'_>], errors: &mut Errors) {
    for (index, case) in cases.iter().enumerate() {
        let Some(code) = case.code() else { continue };
        if let Some(earlier) = cases[..index].iter().find(|earlier| earlier.code() == Some(code)) {
            let (name, earlier) = (case.name, earlier.name);
            errors.add(
                name,
                format!(
                    "`{earlier}` already has the code `{code}`: give `{name}` another one, `#[failure(code = \"…\")]`"
                ),
            );
        }
    }
}

/// The runtime finds an error by its type, and does not know which types a generic one stands for.
fn check_generics(input: &DeriveInput, errors: &mut Errors) -> bool {
    let DeriveInput { ident, generics, .. } = input;
    let is_one_type = generics.params.is_empty();
    if !is_one_type {
        errors.add(
            generics,
            format!(
                "a classified error cannot be generic, because the runtime finds it by its type: remove the parameters of `{ident}`, or \
                 implement `enact::Classify` by hand and register each type that handlers return, \
                 `enact::register! {{ enact::ErrorRegistration::of::<{ident}<…>>() }}`"
            ),
        );
    }
    is_one_type
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_attributes_are_read_as_one() {
        let errors = expand(quote! {
            #[failure(permanent,)]
            #[failure()]
            #[failure(permanent, code = "x")]
            struct A;
        });
        assert_eq!(errors.to_string().matches("compile_error").count(), 1, "{errors}");
        assert!(errors.to_string().contains("`permanent` is given twice"), "{errors}");
    }
}
