//! Every id of a run, also those of records that cannot be read, so that one broken record does not break its users.
//! Ids are collected before any record is read; their order gives the dense indices. Duplicates and ids of a bad form are
//! reported here, and so are references by name, found as strings of the form `kind/name` wherever they stand.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    Assets,
    check::is_id,
    kinds::KINDS,
    report::{Code, Findings, nearest},
    span::Node,
};

/// Where a record is defined.
#[derive(Debug, Clone)]
struct Place {
    file: String,
    span: Range<usize>,
}

/// The ids of all kinds.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_kind: BTreeMap<&'static str, BTreeMap<String, Place>>,
    /// Dense indices, filled by `number`.
    indices: BTreeMap<String, u32>,
}

impl Names {
    /// Notes the id of a record of `kind`, if the text has one.
    pub(crate) fn add(
        &mut self,
        kind: &'static str,
        file: &str,
        text: &str,
        record: &Node,
        findings: &mut Findings<'_>,
    ) {
        let names = self.by_kind.entry(kind).or_default();
        let Some(node) = record.at(text, "id") else {
            return;
        };
        let Some(id) = node.string(text) else {
            return;
        };
        if !is_id(kind, id) {
            let message =
                format!("`{id}` is not a good id: write \"{kind}/name\" with lower-case letters, digits, `_` and `.`");
            findings.add(Code::BadId, file, node.span.clone(), message).label("bad id");
        }
        if let Some(first) = names.get(id) {
            let place = findings.place(&first.file, first.span.start);
            findings
                .add(Code::DuplicateId, file, node.span.clone(), format!("there are two records with the id `{id}`"))
                .label("again")
                .help(format!("the first one is at {place}"));
            return;
        }
        names.insert(id.to_owned(), Place { file: file.to_owned(), span: node.span.clone() });
    }

    /// Gives every id its index, once all are known: those of `before` theirs, then new ones by rank and name.
    pub(crate) fn number(&mut self, before: Option<&Assets>) {
        for kind in KINDS {
            let known = before.map(|before| (kind.names)(before)).unwrap_or_default();
            let mut new: Vec<&String> = self.by_kind.get(kind.name).into_iter().flat_map(BTreeMap::keys).collect();
            if !known.is_empty() {
                let known: BTreeSet<&String> = known.iter().collect();
                new.retain(|name| !known.contains(name));
            }
            new.sort_by_key(|name| (kind.rank)(name));
            let all = known.iter().chain(new).zip(0..).map(|(name, index)| (name.clone(), index));
            self.indices.extend(all);
        }
    }

    /// The index of `name` within its kind.
    pub(crate) fn index(&self, kind: &str, name: &str) -> Option<u32> {
        self.by_kind.get(kind)?.get(name)?;
        self.indices.get(name).copied()
    }

    /// The kind of `name` if a record of any kind has it.
    pub(crate) fn kind_of(&self, name: &str) -> Option<&'static str> {
        let (kind, _) = self.by_kind.iter().find(|(_, names)| names.contains_key(name))?;
        Some(kind)
    }

    /// How to mend a reference to `name` that should be a `kind`: the nearest id with its place.
    pub(crate) fn suggestion(&self, kind: &str, name: &str, findings: &Findings<'_>) -> Option<String> {
        let names = self.by_kind.get(kind)?;
        let full = if name.contains('/') { name.to_owned() } else { format!("{kind}/{name}") };
        let candidate = nearest(&full, names.keys().map(String::as_str))?;
        let place = names.get(candidate)?;
        let place = findings.place(&place.file, place.span.start);
        Some(format!("did you mean \"{candidate}\" ({place})?"))
    }

    /// The same for a reference that is written without its kind.
    pub(crate) fn short_suggestion(&self, kind: &str, name: &str, findings: &Findings<'_>) -> Option<String> {
        let names = self.by_kind.get(kind)?;
        let short = names.keys().filter_map(|id| id.split_once('/')).map(|(_, name)| name);
        let candidate = nearest(name.rsplit('/').next().unwrap_or(name), short)?;
        let place = names.get(&format!("{kind}/{candidate}"))?;
        let place = findings.place(&place.file, place.span.start);
        Some(format!("did you mean \"{candidate}\" ({place})?"))
    }

    /// The strings of a record that name other records, as kind, name and place.
    pub(crate) fn references<'t>(
        &self,
        kinds: &[&'static str],
        text: &'t str,
        record: &Node,
    ) -> Vec<(&'static str, &'t str, Range<usize>)> {
        // Texts for people and the record's own id are no references, whatever they look like.
        let plain = ["id", "name", "tags"].map(|field| record.at(text, field).map(|node| node.span.clone()));
        let mut references = Vec::new();
        record.walk(&mut |node| {
            let is_plain = plain.iter().flatten().any(|span| span.contains(&node.span.start));
            let Some(name) = node.string(text).filter(|_| !is_plain) else {
                return;
            };
            let Some((prefix, _)) = name.split_once('/') else {
                return;
            };
            if let Some(kind) = kinds.iter().find(|kind| **kind == prefix) {
                references.push((*kind, name, node.span.clone()));
            }
        });
        references
    }
}
