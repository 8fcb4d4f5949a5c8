//! What a record says about itself before it is read: its id, whether it extends another, and whom it names. Worked out once
//! for a text, since most texts stay what they are from one epoch to the next.

use std::{ops::Range, sync::Arc};

use xxhash_rust::xxh3::xxh3_64;

use super::Node;
use crate::assets::{extends::MARKS, kinds::KINDS};

/// What a record says about itself.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Its id and where that stands.
    pub(crate) id: Option<(Arc<str>, Range<usize>)>,
    /// Whether it says `extends`, `abstract` or `unused`.
    pub(crate) is_marked: bool,
    /// The strings that name other records.
    pub(crate) references: Vec<Reference>,
    /// Hash of its text.
    pub(crate) hash: u64,
}

/// A string of the form `kind/name`.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) kind: &'static str,
    pub(crate) name: Box<str>,
    pub(crate) span: Range<usize>,
}

impl Facts {
    pub(super) fn of(node: &Node, text: &str) -> Self {
        let id = node.at(text, "id");
        Self {
            id: id.and_then(|id| Some((id.string(text)?.into(), id.span.clone()))),
            is_marked: MARKS.iter().any(|mark| node.field(text, mark).is_some()),
            references: references(node, text),
            hash: xxh3_64(text.get(node.span.clone()).unwrap_or_default().as_bytes()),
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|(id, _)| &**id)
    }
}

fn references(record: &Node, text: &str) -> Vec<Reference> {
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
        if let Some(kind) = KINDS.iter().find(|kind| kind.name == prefix) {
            references.push(Reference { kind: kind.name, name: name.into(), span: node.span.clone() });
        }
    });
    references
}
