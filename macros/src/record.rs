//! The shape of commands, events and entities: a struct with named fields and no generics.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DataStruct, DeriveInput, Field, Fields, Ident};

use crate::crate_path::Enact;
use crate::errors::Errors;
use crate::expansion;
use crate::options::{FieldName, Setting, Suggestion, Text};

/// What a struct is, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// `a command`
    pub(crate) noun: &'static str,
    /// The fields that it must have: `{}`.
    pub(crate) smallest: &'static str,
}

/// Reports a type of another shape. Returns whether the shape is right.
pub(crate) fn check(shape: Shape, input: &DeriveInput, errors: &mut Errors) -> bool {
    let Shape { noun: what, smallest } = shape;
    check_generics(what, input, errors);
    let name = &input.ident;
    let (wrong, message) = match &input.data {
        Data::Struct(DataStruct { fields: Fields::Named(_), .. }) => return true,
        Data::Struct(DataStruct { fields: Fields::Unit, .. }) => (
            name.to_token_stream(),
            format!(
                "{what} must be a struct with named fields, because it is stored as a JSON object: write `struct {name} {smallest}`"
            ),
        ),
        Data::Struct(DataStruct { fields: fields @ Fields::Unnamed(_), .. }) => (
            fields.to_token_stream(),
            format!(
                "{what} must have named fields, because it is stored as a JSON object: write `struct {name} {{ field: … }}`"
            ),
        ),
        Data::Enum(_) => (name.to_token_stream(), not_a_struct(what, name, "an enum")),
        Data::Union(_) => (name.to_token_stream(), not_a_struct(what, name, "a union")),
    };
    errors.add(wrong, message);
    false
}

fn not_a_struct(what: &str, name: &Ident, kind: &str) -> String {
    format!(
        "{what} must be a struct with named fields, and `{name}` is {kind}: write one struct for each case, or a struct with \
         a field of this type"
    )
}

fn check_generics(what: &str, input: &DeriveInput, errors: &mut Errors) {
    if !input.generics.params.is_empty() {
        let name = &input.ident;
        errors.add(
            &input.generics,
            format!("{what} cannot be generic, because its name identifies one type: remove the parameters of `{name}`"),
        );
    }
}

/// Whether traits can be implemented for the type: it has no parameters, and serde can derive for it.
pub(crate) fn can_be_implemented(input: &DeriveInput) -> bool {
    input.generics.params.is_empty() && !matches!(input.data, Data::Union(_))
}

/// The type's name in the store and in JSON.
pub(crate) fn name(input: &DeriveInput, name: Option<Setting<Text>>) -> String {
    name.map_or_else(|| input.ident.unraw().to_string(), |name| name.value.0)
}

/// The field that an option names.
#[derive(Default)]
pub(crate) enum FieldChoice<'a> {
    #[default]
    None,
    Field(&'a Field),
    /// The field does not exist. That has been reported, and the item is treated as if it existed, to avoid further errors.
    Missing,
}

impl<'a> FieldChoice<'a> {
    pub(crate) fn field(&self) -> Option<&'a Field> {
        match self {
            Self::Field(field) => Some(field),
            Self::None | Self::Missing => None,
        }
    }
}

/// Finds the field that an option names.
pub(crate) fn choose<'a>(
    input: &'a DeriveInput,
    option: Option<Setting<FieldName>>,
    errors: &mut Errors,
) -> FieldChoice<'a> {
    let Some(Setting { key, value: FieldName(value) }) = option else {
        return FieldChoice::None;
    };
    if let Some(field) = find(input, &value) {
        return FieldChoice::Field(field);
    }
    let advice = match Suggestion::for_name(&value.unraw().to_string(), &names(input)) {
        Suggestion::Name(name) => format!("did you mean `{key} = {name}`?"),
        Suggestion::OneOf(names) => format!("its fields are {names}"),
        Suggestion::None => format!("write `{key} = …` with one of its fields, or remove `{key}`"),
    };
    errors.add(&value, format!("`{}` has no field `{value}`: {advice}", input.ident));
    FieldChoice::Missing
}

/// The proof that the type of the field can be a key.
pub(crate) fn key(enact: &Enact, choice: &FieldChoice<'_>) -> Option<TokenStream> {
    let ty = &choice.field()?.ty;
    let enact_at_type = enact.at(ty.span());
    let usable = quote_spanned!(ty.span()=> #enact_at_type::__private::assert::Of::<#ty>::usable_as_key());
    Some(expansion::proof(enact, &usable))
}

/// The field of a name.
pub(crate) fn find<'a>(input: &'a DeriveInput, name: &Ident) -> Option<&'a Field> {
    fields(input).find(|field| field.ident.as_ref().is_some_and(|ident| ident.unraw() == name.unraw()))
}

fn names(input: &DeriveInput) -> Vec<String> {
    fields(input).filter_map(|field| field.ident.as_ref()).map(|ident| ident.unraw().to_string()).collect()
}

fn fields(input: &DeriveInput) -> impl Iterator<Item = &Field> {
    let fields = match &input.data {
        Data::Struct(data) => Some(&data.fields),
        Data::Enum(_) | Data::Union(_) => None,
    };
    fields.into_iter().flatten()
}

/// The type of a field that does not exist.
///
/// The compiler reports no unknown type after a macro has reported an error, and does not compare it to another type. So the
/// handler gets no error for the missing target of its command.
pub(crate) fn unknown_type(enact: &Enact) -> TokenStream {
    quote!(#enact::__private::TypeOfMissingField)
}
