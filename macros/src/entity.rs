//! `#[entity]`.

use darling::FromMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, Ident, Meta};

use crate::command::HandlerOptions;
use crate::constraints;
use crate::crate_path::Enact;
use crate::derives::{self, Schema};
use crate::errors::Errors;
use crate::expansion::{hidden, register};
use crate::item::{Item, misplaced};
use crate::options::{self, FieldName, Options, Parsed, Setting, Text};
use crate::record::{self, FieldChoice, Shape};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Type(mut input) = Item::parse(&item) else {
        return misplaced("#[entity]", "a struct", item);
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut input.attrs, &mut errors);
    let options = options::parse(args, &mut errors);
    let entity = Entity::check(options, &input, &mut errors);
    let expansion = entity.expand(&enact, &input);
    TokenStream::from_iter([expansion, errors.report()])
}

const SHAPE: Shape = Shape { noun: "an entity", smallest: "{ id: … }" };

#[derive(FromMeta)]
struct EntityOptions {
    id: Option<Setting<FieldName>>,
    name: Option<Setting<Text>>,
}

impl Options for EntityOptions {
    const ATTRIBUTE: &'static str = "`#[entity]`";

    fn advice(unknown: &Meta) -> Option<String> {
        options::exists_in::<HandlerOptions>(unknown)
            .then(|| "it belongs on the `#[command]` of a handler that takes the entity".to_owned())
    }
}

struct Entity<'a> {
    name: String,
    id: FieldChoice<'a>,
}

impl<'a> Entity<'a> {
    fn check(parsed: Parsed<EntityOptions>, input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let shape_is_right = record::check(SHAPE, input, errors);
        constraints::check(input, errors);
        let names_another_id = parsed.rejects("id");
        let EntityOptions { id, name } = parsed.options;
        let id = match id {
            Some(id) => record::choose(input, Some(id), errors),
            None if shape_is_right && !names_another_id => default_id(input, errors),
            None => FieldChoice::Missing,
        };
        Self { name: record::name(input, name), id }
    }

    fn expand(&self, enact: &Enact, input: &DeriveInput) -> TokenStream {
        if !record::can_be_implemented(input) {
            return input.to_token_stream();
        }
        let item =
            derives::derived(enact, &derives::bounded(enact, input, Schema::OnRequest), Schema::OnRequest);
        let (ident, name) = (&input.ident, &self.name);
        let (id_type, id) = match self.id.field() {
            Some(field) => {
                let (ty, id) = (&field.ty, &field.ident);
                (ty.to_token_stream(), quote!(&self.#id))
            }
            None => (record::unknown_type(enact), quote!(loop {})),
        };
        let key = record::key(enact, &self.id);
        let header = quote_spanned!(ident.span()=> impl #enact::Entity for #ident);
        let registration = register(enact, &quote!(entity::<#ident>));
        let hidden = hidden(
            &input.attrs,
            &quote! {
                #header {
                    const NAME: &'static str = #name;
                    type Id = #id_type;
                    fn id(&self) -> &#id_type {
                        #id
                    }
                }
                #key
                #registration
            },
        );
        quote!(#item #hidden)
    }
}

/// The identity is the field `id` unless the option names another one.
fn default_id<'a>(input: &'a DeriveInput, errors: &mut Errors) -> FieldChoice<'a> {
    let id = Ident::new("id", input.ident.span());
    if let Some(field) = record::find(input, &id) {
        return FieldChoice::Field(field);
    }
    let name = &input.ident;
    errors.add(
        name,
        format!("an entity needs an identity, and `{name}` has no field `id`: add one, or name another field with `#[entity(id = field)]`"),
    );
    FieldChoice::Missing
}
