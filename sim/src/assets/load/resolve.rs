//! What walks through the references of a record once all names are known: gives each its index, collects the tags that
//! are mentioned, and reports what names nothing or something of another kind.

use super::uses::Uses;
use crate::assets::{
    RefVisitor, Tag, TagRegistry, TagSet,
    check::{Checker, TagMention},
    kinds::KINDS,
    names::Names,
    report::{Code, a},
};

/// Fields whose tags a record has, gives or names a group by; all other fields ask for theirs.
const CARRIERS: [&str; 4] = ["tags", "grants", "gcd.group", "cooldown.tag"];

/// Turns the references of a record into indices and reports those to another kind.
pub(super) struct Resolver<'r, 'f, 's> {
    pub(super) names: &'r Names,
    pub(super) check: &'r mut Checker<'f, 's>,
    pub(super) tags: &'r mut Vec<TagMention>,
    pub(super) uses: &'r mut Uses,
    /// The id of the record.
    pub(super) from: String,
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
                let (name, file) = (tag.name().to_owned(), self.check.file.to_owned());
                let is_carried = CARRIERS.contains(&path);
                self.tags.push(TagMention { name, file, span: node.span.clone(), is_carried });
            }
        }
        None
    }

    fn visit_short(&mut self, path: &str, kind: &'static str, name: &str, slot: &mut u32) {
        match self.names.index(kind, &format!("{kind}/{name}")) {
            Some(index) => {
                self.uses.add(&self.from, &format!("{kind}/{name}"));
                *slot = index;
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
            self.uses.add(&self.from, name);
            *slot = index;
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
