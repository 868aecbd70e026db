//! The types of other crates in the public API of `enact` are those that `runtime/docs/external_types.md` lists: a new major
//! version of one of these crates is a breaking change of `enact`.
//!
//! The public API is read from the sources. Every `pub` item counts as public, which the lint `unreachable_pub` makes true;
//! items that are `#[doc(hidden)]` do not count. What a macro generates is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

const LIST: &str = "runtime/docs/external_types.md";

/// What expansions name, which is not public.
const HIDDEN: &str = "runtime/src/private.rs";

/// Dependencies that do not count: part of enact itself, and a derive that implements a trait of std.
const OWN: [&str; 2] = ["enact_macros", "thiserror"];

#[test]
fn the_types_of_other_crates_in_the_public_api_are_listed() {
    let listed = listed();
    let found = Api::read().external;
    let missing: Vec<_> = found.iter().filter(|(path, _)| !listed.contains(*path)).collect();
    assert!(missing.is_empty(), "{LIST} does not list: {missing:#?}");
    let stale: Vec<_> = listed.iter().filter(|path| !found.contains_key(*path)).collect();
    assert!(stale.is_empty(), "{LIST} lists what is not in the public API: {stale:#?}");
}

/// The paths in the first column of the table.
fn listed() -> BTreeSet<String> {
    let text = fs::read_to_string(super::root().join(LIST)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(path, _)| path.to_owned()).collect()
}

/// The names that a file or an inline module brings into scope, with the paths they stand for.
type Scope = BTreeMap<String, String>;

#[derive(Default)]
struct Api {
    /// The dependencies, as they are named in paths.
    crates: BTreeSet<String>,
    /// The names of the crate's types and traits that are not public.
    private: BTreeSet<String>,
    /// The items of other crates that the crate re-exports for itself or others.
    reexports: Scope,
    /// The items of other crates in public positions, with a file that each is in.
    external: BTreeMap<String, String>,
}

impl Api {
    fn read() -> Self {
        let mut api = Self { crates: dependencies(), ..Self::default() };
        let files: Vec<_> = super::files("runtime/src", &["rs"])
            .into_iter()
            .filter(|path| path != Path::new(HIDDEN))
            .map(|path| {
                let text = fs::read_to_string(super::root().join(&path)).unwrap();
                (path.display().to_string(), syn::parse_file(&text).unwrap().items)
            })
            .collect();
        let mut public = BTreeSet::new();
        for (_, items) in &files {
            api.collect_names(items, &mut public);
        }
        api.private = &api.private - &public;
        for (file, items) in &files {
            api.collect_external(file, items, &Scope::new());
        }
        api
    }

    fn collect_names(&mut self, items: &[Item], public: &mut BTreeSet<String>) {
        for item in items {
            let (vis, name) = match item {
                Item::Struct(it) => (&it.vis, &it.ident),
                Item::Enum(it) => (&it.vis, &it.ident),
                Item::Trait(it) => (&it.vis, &it.ident),
                Item::Type(it) => (&it.vis, &it.ident),
                Item::Mod(it) => {
                    self.collect_names(it.content.as_ref().map_or(&[], |(_, items)| items), public);
                    continue;
                }
                Item::Use(it) => {
                    if !matches!(it.vis, Visibility::Inherited) {
                        let mut names = Scope::new();
                        add_uses(&it.tree, "", &mut names);
                        names.retain(|_, path| self.is_external(path));
                        self.reexports.extend(names);
                    }
                    continue;
                }
                _ => continue,
            };
            if is_public(vis) && !is_hidden(attributes(item)) {
                public.insert(name.to_string());
            } else {
                self.private.insert(name.to_string());
            }
        }
    }

    fn collect_external(&mut self, file: &str, items: &[Item], outer: &Scope) {
        let mut scope = outer.clone();
        for item in items {
            if let Item::Use(it) = item {
                add_uses(&it.tree, "", &mut scope);
            }
        }
        for item in items.iter().filter(|item| !is_hidden(attributes(item))) {
            if let Item::Mod(it) = item {
                self.collect_external(file, it.content.as_ref().map_or(&[], |(_, items)| items), &scope);
                continue;
            }
            let mut paths = Paths::default();
            paths.visit_public_parts(item, &self.private);
            let mut found: Vec<_> =
                paths.0.iter().filter_map(|path| self.external_path(path, &scope)).collect();
            if let Item::Use(it) = item
                && is_public(&it.vis)
            {
                let mut names = Scope::new();
                add_uses(&it.tree, "", &mut names);
                found.extend(names.into_values().filter(|path| self.is_external(path)));
            }
            for path in found {
                self.external.entry(path).or_insert_with(|| file.to_owned());
            }
        }
    }

    fn is_external(&self, path: &str) -> bool {
        let first = path.split("::").next().unwrap_or_default();
        self.crates.contains(first) && !OWN.contains(&first)
    }

    /// The full path of what a path names, if it is an item of another crate.
    fn external_path(&self, path: &str, scope: &Scope) -> Option<String> {
        let full = expand(path, scope);
        if self.is_external(&full) {
            return Some(full);
        }
        let own = full.starts_with("crate::") || full.starts_with("super::") || full.starts_with("self::");
        let last = full.rsplit("::").next()?;
        self.reexports.get(last).filter(|_| own).cloned()
    }
}

/// Replaces the first name of a path by what it stands for.
fn expand(path: &str, scope: &Scope) -> String {
    let (first, rest) = path.split_once("::").map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (scope.get(first), rest) {
        (Some(full), Some(rest)) => format!("{full}::{rest}"),
        (Some(full), None) => full.clone(),
        (None, _) => path.to_owned(),
    }
}

fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string(super::root().join("runtime/Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("[dependencies]\n").unwrap();
    let section = rest.split("\n[").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with(|char: char| char.is_ascii_lowercase()));
    lines.map(|line| line.split(['.', ' ', '=']).next().unwrap().replace('-', "_")).collect()
}

fn add_uses(tree: &UseTree, prefix: &str, scope: &mut Scope) {
    let join = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    let own_name =
        |name: &str| prefix.rsplit("::").next().filter(|_| name == "self").unwrap_or(name).to_owned();
    let full = |name: &str| if name == "self" { prefix.to_owned() } else { join(name) };
    match tree {
        UseTree::Path(it) => add_uses(&it.tree, &join(&it.ident.to_string()), scope),
        UseTree::Group(it) => it.items.iter().for_each(|tree| add_uses(tree, prefix, scope)),
        UseTree::Name(it) => {
            let name = it.ident.to_string();
            scope.insert(own_name(&name), full(&name));
        }
        UseTree::Rename(it) => {
            scope.insert(it.rename.to_string(), full(&it.ident.to_string()));
        }
        UseTree::Glob(_) => {}
    }
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

/// Whether an item is hidden from the documentation, or there in unit tests only.
fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let word = if attribute.path().is_ident("doc") { "hidden" } else { "test" };
        let listed = attribute.meta.require_list().map(|list| list.tokens.to_string());
        (attribute.path().is_ident("doc") || attribute.path().is_ident("cfg"))
            && listed.is_ok_and(|tokens| tokens == word)
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// Collects the paths of types and traits.
#[derive(Default)]
struct Paths(Vec<String>);

impl Visit<'_> for Paths {
    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0.push(segments.join("::"));
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, _: &Attribute) {}

    fn visit_block(&mut self, _: &syn::Block) {}

    fn visit_expr(&mut self, _: &syn::Expr) {}
}

impl Paths {
    /// Visits what a user of the crate can name or rely on: signatures, bounds, public fields, implemented traits.
    fn visit_public_parts(&mut self, item: &Item, private: &BTreeSet<String>) {
        match item {
            Item::Fn(it) if is_public(&it.vis) => self.visit_signature(&it.sig),
            Item::Const(it) if is_public(&it.vis) => self.visit_type(&it.ty),
            Item::Static(it) if is_public(&it.vis) => self.visit_type(&it.ty),
            Item::Type(it) if is_public(&it.vis) => self.visit_item_type(it),
            Item::Struct(it) if is_public(&it.vis) => {
                self.visit_derives(&it.attrs);
                self.visit_generics(&it.generics);
                it.fields
                    .iter()
                    .filter(|field| is_public(&field.vis))
                    .for_each(|field| self.visit_type(&field.ty));
            }
            Item::Enum(it) if is_public(&it.vis) => {
                self.visit_derives(&it.attrs);
                self.visit_item_enum(it);
            }
            Item::Trait(it) if is_public(&it.vis) => {
                self.visit_generics(&it.generics);
                it.supertraits.iter().for_each(|bound| self.visit_type_param_bound(bound));
                it.items.iter().for_each(|item| self.visit_trait_item(item));
            }
            Item::Impl(it) => self.visit_public_impl(it, private),
            _ => {}
        }
    }

    fn visit_public_impl(&mut self, item: &syn::ItemImpl, private: &BTreeSet<String>) {
        let is_private = |path: &syn::Path| {
            path.segments.last().is_some_and(|last| private.contains(&last.ident.to_string()))
        };
        let self_type = match &*item.self_ty {
            syn::Type::Reference(it) => &it.elem,
            other => other,
        };
        if matches!(self_type, syn::Type::Path(it) if is_private(&it.path)) {
            return;
        }
        match &item.trait_ {
            None => {
                self.visit_generics(&item.generics);
                item.items.iter().for_each(|item| self.visit_public_member(item));
            }
            Some((path, _)) if !is_private(path) => {
                self.visit_generics(&item.generics);
                self.visit_type(&item.self_ty);
                self.visit_path(path);
                for item in &item.items {
                    if let syn::ImplItem::Type(it) = item {
                        self.visit_type(&it.ty);
                    }
                }
            }
            Some(_) => {}
        }
    }

    fn visit_public_member(&mut self, item: &syn::ImplItem) {
        match item {
            syn::ImplItem::Fn(it) if is_public(&it.vis) && !is_hidden(&it.attrs) => {
                self.visit_signature(&it.sig);
            }
            syn::ImplItem::Const(it) if is_public(&it.vis) => self.visit_type(&it.ty),
            _ => {}
        }
    }

    fn visit_derives(&mut self, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let traits = attribute
                .parse_args_with(syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated);
            traits.unwrap().iter().for_each(|path| self.visit_path(path));
        }
    }
}
