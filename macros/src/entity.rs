//! `#[entity]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DeriveInput, Ident};

use crate::crate_path::Enact;
use crate::derives::{self, Schema};
use crate::errors::Errors;
use crate::expansion::{hidden, register};
use crate::item::{Item, misplaced};
use crate::options::{Options, Setting};
use crate::record::{self, FieldChoice, Shape};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let Item::Type(mut input) = Item::parse(&item) else {
        return misplaced("#[entity]", "the struct that is the entity", item);
    };
    let mut errors = Errors::new();
    let enact = Enact::take(&mut input.attrs, &mut errors);
    let options = EntityOptions::parse(args, &mut errors);
    let entity = Entity::check(options, &input, &mut errors);
    let expansion = entity.expand(&enact, &input);
    TokenStream::from_iter([expansion, errors.report()])
}

const SHAPE: Shape = Shape { noun: "an entity", smallest: "{ id: … }" };

struct EntityOptions {
    id: Option<Setting<Ident>>,
    /// Whether the identity is said to be another field than `id`, even if wrongly.
    names_id: bool,
    name: Option<String>,
}

impl EntityOptions {
    fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::parse("`#[entity]`", args, errors);
        let parsed = Self {
            names_id: options.seems_given("id"),
            id: options.value("id", "field", errors),
            name: options.text("name", errors),
        };
        let whither = "how an entity begins is said by the handler that makes it, `#[command(create = …)]`";
        options.misplaced(&["create"], whither, errors);
        options.finish(errors);
        parsed
    }
}

struct Entity<'a> {
    name: String,
    id: FieldChoice<'a>,
}

impl<'a> Entity<'a> {
    fn check(options: EntityOptions, input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let shape_is_right = record::check(SHAPE, input, errors);
        let id = match options.id {
            Some(id) => record::choose(input, Some(id), errors),
            None if shape_is_right && !options.names_id => default_id(input, errors),
            None => FieldChoice::Missing,
        };
        Self { name: record::name(input, options.name), id }
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

/// The identity is the field `id` where nothing else is said.
fn default_id<'a>(input: &'a DeriveInput, errors: &mut Errors) -> FieldChoice<'a> {
    let id = Ident::new("id", input.ident.span());
    if let Some(field) = record::find(input, &id) {
        return FieldChoice::Field(field);
    }
    let name = &input.ident;
    errors.add(
        name,
        format!("an entity is found by its identity, and `{name}` has no field `id`: say which field it is, `#[entity(id = field)]`"),
    );
    FieldChoice::Missing
}
