//! What walks through the references of a record once all names are known: gives each its index, collects the tags that
//! are mentioned, and reports what names nothing or something of another kind.

use std::ops::Range;

use crate::assets::{
    RefVisitor, Tag, TagRegistry, TagSet,
    check::Checker,
    kinds::KINDS,
    memo::Link,
    names::Names,
    report::{Code, a},
};

/// Turns the references of a record into indices and reports those to another kind.
pub(super) struct Resolver<'r, 'f, 's> {
    pub(super) names: &'r Names,
    pub(super) check: &'r mut Checker<'f, 's>,
    /// The tags it writes and their places in the file.
    pub(super) tags: Vec<(Box<str>, Range<usize>)>,
    /// What was found.
    pub(super) links: Vec<Link>,
}

impl Resolver<'_, '_, '_> {
    fn unknown(&mut self, path: &str, message: String, help: Option<String>) {
        if let Some(note) = self.check.report(Code::UnknownReference, path, message) {
            note.label("not found").help(help);
        }
    }
}

/// Gives tags their ids, once all are known.
pub(super) struct TagResolver<'r>(pub(super) &'r TagRegistry);

impl RefVisitor for TagResolver<'_> {
    fn visit(&mut self, _path: &str, _kind: &'static str, _name: &str, _slot: &mut u32) {}

    fn visit_tags(&mut self, _path: &str, tags: &mut [Tag]) -> Option<TagSet> {
        Some(self.0.resolve(tags))
    }
}

impl RefVisitor for Resolver<'_, '_, '_> {
    fn visit_tags(&mut self, path: &str, tags: &mut [Tag]) -> Option<TagSet> {
        for (index, tag) in tags.iter().enumerate() {
            let node = self.check.node(&format!("{path}.{index}")).or_else(|| self.check.node(path));
            if let Some(node) = node {
                self.tags.push((tag.name().into(), node.span.clone()));
            }
        }
        None
    }

    fn visit_short(&mut self, path: &str, kind: &'static str, name: &str, slot: &mut u32) {
        let full = format!("{kind}/{name}");
        match self.names.index(kind, &full) {
            Some(index) => {
                *slot = index;
                self.links.push((kind, full.into(), index));
            }
            None => {
                let help = self.names.short_suggestion(kind, name, self.check.findings);
                let message = format!("{} refers to {kind} `{name}`, which does not exist", self.check.title);
                self.unknown(path, message, help);
            }
        }
    }

    fn visit(&mut self, path: &str, kind: &'static str, name: &str, slot: &mut u32) {
        if let Some(index) = self.names.index(kind, name) {
            *slot = index;
            self.links.push((kind, name.into(), index));
            return;
        }
        let prefix = name.split_once('/').map(|(prefix, _)| prefix);
        if let Some(other) = self.names.kind_of(name) {
            let message = format!("{} needs {} here, but `{name}` is {}", self.check.title, a(kind), a(other));
            if let Some(note) = self.check.report(Code::WrongKind, path, message) {
                note.label(format!("expected {}", a(kind)));
            }
        } else if !KINDS.iter().any(|kind| prefix == Some(kind.name)) {
            // Names that begin with a kind were reported from the text already.
            let help = self.names.suggestion(kind, name, self.check.findings);
            let message = format!("{} refers to {kind} `{name}`, which does not exist", self.check.title);
            let help = help.or_else(|| Some(format!("references are written \"{kind}/name\"")));
            self.unknown(path, message, help);
        }
    }
}
