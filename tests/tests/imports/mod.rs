//! Which file of a crate imports which, read from its source.
//!
//! Paths are resolved as the compiler does it, as far as this code base needs: through `crate`, `super` and `self`, through modules and
//! through re-exports, to the file that defines the item. Macro calls and definitions are searched for paths that begin with
//! `crate`. Unit tests (`#[cfg(test)]`) may import what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, UseTree, Visibility};

/// A module's place in its crate: `[]` is the root.
type ModulePath = Vec<String>;

/// The source files of a crate.
pub(crate) struct SourceTree {
    /// The file of each module.
    files: BTreeMap<ModulePath, String>,
    /// What each module re-exports: the name, and the path that it stands for.
    re_exports: BTreeMap<ModulePath, Vec<(String, Vec<String>)>>,
    /// The paths that each file names, resolved to be relative to the crate's root.
    paths: BTreeMap<String, Vec<NamedPath>>,
}

struct NamedPath {
    segments: Vec<String>,
    is_re_export: bool,
}

impl SourceTree {
    /// Reads all `.rs` files below a crate's `src`.
    pub(crate) fn read(source: &Path) -> Result<Self, Box<dyn Error>> {
        let mut files = Vec::new();
        collect(source, source, &mut files)?;
        Self::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// Parses files, given by their path below `src`. A path that occurs again replaces the file.
    pub(crate) fn parse<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Box<dyn Error>> {
        let texts: BTreeMap<_, _> = files.into_iter().collect();
        let mut tree = Self { files: BTreeMap::new(), re_exports: BTreeMap::new(), paths: BTreeMap::new() };
        tree.files = texts.keys().map(|name| (module_of(name), (*name).to_owned())).collect();
        for (name, text) in texts {
            let file = syn::parse_file(text).map_err(|error| format!("{name}: {error}"))?;
            let module = module_of(name);
            let mut found =
                Paths { tree: &tree, module: module.clone(), named: Vec::new(), exported: Vec::new() };
            found.visit_file(&file);
            let Paths { named, exported, .. } = found;
            tree.re_exports.insert(module, exported);
            tree.paths.insert(name.to_owned(), named);
        }
        Ok(tree)
    }

    /// The files that are in no layer.
    pub(crate) fn unlayered(&self, layers: &[&str]) -> Vec<String> {
        self.paths.keys().filter(|file| rank(layers, file).is_none()).cloned().collect()
    }

    /// The imports that lead from a layer to a higher one, re-exports included.
    pub(crate) fn upward(&self, layers: &[&str]) -> Vec<String> {
        let mut upward = BTreeSet::new();
        for (file, paths) in &self.paths {
            for target in paths.iter().filter_map(|path| self.file_of(&path.segments)) {
                if let (Some(from), Some(to)) = (rank(layers, file), rank(layers, target))
                    && from < to
                {
                    upward.insert(format!("{file} -> {target}"));
                }
            }
        }
        upward.into_iter().collect()
    }

    /// The groups of more than two files that can all be reached from one another. A re-export is no import.
    pub(crate) fn circles(&self) -> Vec<String> {
        let reachable: BTreeMap<_, _> = self.paths.keys().map(|file| (file, self.reachable(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, reached) in &reachable {
            let circle: Vec<_> =
                reached.iter().filter(|other| reachable[*other].contains(*file)).cloned().collect();
            if circle.len() > 2 {
                circles.insert(circle.join(", "));
            }
        }
        circles.into_iter().collect()
    }

    fn reachable(&self, file: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file.to_owned()];
        while let Some(file) = open.pop() {
            let imports = self.paths[&file].iter().filter(|path| !path.is_re_export);
            for target in imports.filter_map(|path| self.file_of(&path.segments)) {
                if *target != file && reached.insert(target.to_owned()) {
                    open.push(target.to_owned());
                }
            }
        }
        reached
    }

    /// The file that defines what a path from the crate's root names.
    fn file_of(&self, path: &[String]) -> Option<&str> {
        let (mut module, mut rest) = (ModulePath::new(), path);
        while let Some((first, others)) = rest.split_first() {
            let child: ModulePath = module.iter().chain([first]).cloned().collect();
            if self.files.contains_key(&child) {
                (module, rest) = (child, others);
                continue;
            }
            let re_exports = self.re_exports.get(&module)?;
            if let Some((_, target)) = re_exports.iter().find(|(name, _)| name == first) {
                let target: Vec<_> = target.iter().chain(others).cloned().collect();
                return if target == path { None } else { self.file_of(&target) };
            }
            break;
        }
        self.files.get(&module).map(String::as_str)
    }
}

/// Collects the paths that a file names.
struct Paths<'a> {
    tree: &'a SourceTree,
    module: ModulePath,
    named: Vec<NamedPath>,
    exported: Vec<(String, Vec<String>)>,
}

impl Paths<'_> {
    fn name(&mut self, path: &[String], is_re_export: bool) -> Option<Vec<String>> {
        let segments = self.resolve(path)?;
        self.named.push(NamedPath { segments: segments.clone(), is_re_export });
        Some(segments)
    }

    /// The path from the crate's root; `None` if it leads out of the crate, or stays in the file.
    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut base = self.module.clone();
        let mut rest = rest;
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop()?;
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            _ => {
                base.push(first.clone());
                self.tree.files.get(&base)?;
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn use_tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>, is_re_export: bool) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(&path.tree, prefix, is_re_export);
                prefix.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.use_tree(item, prefix, is_re_export));
            }
            UseTree::Glob(_) => {
                self.name(prefix, is_re_export);
            }
            UseTree::Name(name) => self.use_one(&name.ident, &name.ident, prefix, is_re_export),
            UseTree::Rename(rename) => self.use_one(&rename.ident, &rename.rename, prefix, is_re_export),
        }
    }

    fn use_one(&mut self, item: &syn::Ident, name: &syn::Ident, prefix: &[String], is_re_export: bool) {
        let is_itself = item == "self";
        let mut path = prefix.to_vec();
        if !is_itself {
            path.push(item.to_string());
        }
        let name = match prefix.last() {
            Some(last) if is_itself && name == "self" => last.clone(),
            _ => name.to_string(),
        };
        if let Some(segments) = self.name(&path, is_re_export)
            && is_re_export
        {
            self.exported.push((name, segments));
        }
    }

    /// The paths in tokens that begin with `crate`.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) if ident == "crate" => {
                    let mut path = vec![ident.to_string()];
                    while let Some(TokenTree::Punct(punct)) = tokens.peek()
                        && punct.as_char() == ':'
                    {
                        tokens.next();
                        if let Some(TokenTree::Ident(segment)) = tokens.peek() {
                            path.push(segment.to_string());
                            tokens.next();
                        }
                    }
                    self.name(&path, false);
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_test_only) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        // What an inline module names, its file names; `super` is the file's own module there.
        if let Some((_, items)) = &item.content {
            self.module.push(item.ident.to_string());
            for item in items {
                self.visit_item(item);
            }
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_re_export = !matches!(item.vis, Visibility::Inherited);
        self.use_tree(&item.tree, &mut Vec::new(), is_re_export);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 && ["crate", "super", "self"].contains(&segments[0].as_str()) {
            self.name(&segments, false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.visit_path(&mac.path);
        self.tokens(mac.tokens.clone());
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test_only(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
}

/// The place of a file's layer, from the lowest.
fn rank(layers: &[&str], file: &str) -> Option<usize> {
    let (layer, _) = file.split_once('/')?;
    layers.iter().position(|name| *name == layer)
}

/// The module that a file holds.
fn module_of(file: &str) -> ModulePath {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if matches!(path, "lib" | "main") {
        ModulePath::new()
    } else {
        path.split('/').map(str::to_owned).collect()
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    Ok(())
}
