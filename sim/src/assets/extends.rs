//! Inheritance: a record that says `extends: "monster/base_wolf"` takes what it does not write from its parent, of the same
//! kind. Groups of named fields (of the same variant) and maps are merged field by field; lists, tuples and everything else
//! are replaced whole; `id` and `name` are a record's own. `abstract: true` makes a record that is only there to be extended:
//! it need not be complete, and nothing else may refer to it. `unused: true` says that a record is not missed where nothing
//! refers to it; it is taken away here, because it is no part of any record either.
//!
//! It works on texts: parent and child are joined into one text whose every piece knows where it was written, so that
//! everything behind this reads a plain record, and a fault that was inherited is reported where it stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{
    memo::Memo,
    report::{Code, Findings, a, nearest},
    span::{Facts, Field, Group, Node, Shape, scan},
};

/// Longest chain of parents.
const DEPTH_MAX: usize = 8;
/// Fields that a record does not take from its parent.
const OWN: [&str; 5] = ["id", "name", "extends", "abstract", "unused"];
/// Fields that only speak to the loader.
pub(crate) const MARKS: [&str; 3] = ["extends", "abstract", "unused"];

/// A record as it stands in a file.
#[derive(Clone, Copy)]
pub(crate) struct Written<'t> {
    pub(crate) kind: &'static str,
    pub(crate) file: &'t str,
    pub(crate) text: &'t str,
    pub(crate) node: &'t Node,
    pub(crate) facts: &'t Facts,
}

impl<'t> Written<'t> {
    /// The record alone.
    fn own_text(&self) -> &'t str {
        self.text.get(self.node.span.clone()).unwrap_or_default()
    }

    fn string(&self, field: &str) -> Option<&'t str> {
        self.node.at(self.text, field)?.string(self.text)
    }

    fn id(&self) -> Option<&'t str> {
        self.facts.id()
    }

    /// Whether the record needs this module at all.
    const fn is_marked(&self) -> bool {
        self.facts.is_marked
    }

    /// Whether a mark of the record says true.
    pub(crate) fn says(&self, mark: &str) -> bool {
        let node = self.node.at(self.text, mark);
        node.is_some_and(|node| self.text.get(node.span.clone()) == Some("true"))
    }

    fn is_abstract(&self) -> bool {
        self.says("abstract")
    }
}

/// A joined record: its text, and where each piece of it was written.
#[derive(Debug, Default, Clone)]
pub(crate) struct Joined {
    pub(crate) text: String,
    pieces: Vec<Piece>,
    /// Of the record itself: its id, and where it ends in its file.
    id: String,
    end: usize,
    /// Whether all its parents are there.
    pub(crate) is_whole: bool,
}

/// The record that inherited something.
pub(crate) struct Heir<'j> {
    /// Its id.
    pub(crate) id: &'j str,
    /// Its file.
    pub(crate) file: &'j str,
    /// Where it begins there.
    pub(crate) start: usize,
}

/// `len` bytes of the joined text from `at`, written in `file` from `start`.
#[derive(Debug, Clone)]
struct Piece {
    at: usize,
    len: usize,
    file: String,
    start: usize,
}

impl Joined {
    /// Where a span of the joined text was written.
    pub(crate) fn origin(&self, span: &Range<usize>) -> (&str, Range<usize>) {
        let before = self.pieces.partition_point(|piece| piece.at <= span.start);
        let Some(piece) = self.pieces.get(before.saturating_sub(1)) else {
            return ("", 0..0);
        };
        let start = piece.start + (span.start - piece.at.min(span.start)).min(piece.len);
        let end = piece.start + (span.end - piece.at.min(span.end)).min(piece.len);
        (&piece.file, start..end.max(start))
    }

    /// Whose record it is, when what stands at a span was inherited.
    pub(crate) fn heir(&self, span: &Range<usize>) -> Option<Heir<'_>> {
        let own = self.pieces.first()?;
        let (file, written) = self.origin(span);
        let is_own = file == own.file && (own.start..self.end).contains(&written.start);
        (!is_own).then_some(Heir { id: &self.id, file: &own.file, start: own.start })
    }

    fn copy(&mut self, from: &Source<'_>, span: Range<usize>) {
        let Some(text) = from.text.get(span.clone()) else { return };
        let at = self.text.len();
        match from.pieces {
            None => self.pieces.push(Piece { at, len: text.len(), file: from.file.to_owned(), start: span.start }),
            Some(pieces) => {
                for piece in pieces {
                    let (start, end) = (piece.at.max(span.start), (piece.at + piece.len).min(span.end));
                    if start < end {
                        let start_there = piece.start + (start - piece.at);
                        let (file, at) = (piece.file.clone(), at + (start - span.start));
                        self.pieces.push(Piece { at, len: end - start, file, start: start_there });
                    }
                }
            }
        }
        self.text.push_str(text);
    }

    /// `child` with what only `parent` has.
    fn merge(&mut self, child: &Source<'_>, own: &Node, parent: &Source<'_>, inherited: &Node, is_record: bool) {
        match (&own.shape, &inherited.shape) {
            (Shape::Group(group), Shape::Group(base)) if is_mergeable(child, group, parent, base) => {
                self.copy(child, own.span.start..group.inside);
                self.merge_fields(child, group, parent, base, is_record);
                self.copy(child, own.span.end - 1..own.span.end);
            }
            (Shape::Map(entries), Shape::Map(base)) => {
                self.copy(child, own.span.start..own.span.start + 1);
                self.merge_entries(child, entries, parent, base);
                self.copy(child, own.span.end - 1..own.span.end);
            }
            _ => self.copy(child, own.span.clone()),
        }
    }

    fn merge_fields(&mut self, child: &Source<'_>, own: &Group, parent: &Source<'_>, base: &Group, is_record: bool) {
        let key =
            |source: &Source<'_>, field: &Field| source.text.get(field.key.clone()).unwrap_or_default().to_owned();
        let is_own = |name: &str| is_record && OWN.contains(&name);
        for field in own.fields.iter().filter(|field| !(is_record && MARKS.contains(&&*key(child, field)))) {
            let name = key(child, field);
            self.copy(child, field.key.clone());
            self.text.push_str(": ");
            match base.fields.iter().find(|other| key(parent, other) == name && !is_own(&name)) {
                Some(base) => self.merge(child, &field.value, parent, &base.value, false),
                None => self.copy(child, field.value.span.clone()),
            }
            self.text.push_str(", ");
        }
        for field in &base.fields {
            let name = key(parent, field);
            if !is_own(&name) && !own.fields.iter().any(|other| key(child, other) == name) {
                self.copy(parent, field.key.start..field.value.span.end);
                self.text.push_str(", ");
            }
        }
    }

    fn merge_entries(&mut self, child: &Source<'_>, own: &[(Node, Node)], parent: &Source<'_>, base: &[(Node, Node)]) {
        for (key, value) in own {
            self.copy(child, key.span.clone());
            self.text.push_str(": ");
            let name = key.string(child.text);
            match base.iter().find(|(other, _)| name.is_some() && other.string(parent.text) == name) {
                Some((_, base)) => self.merge(child, value, parent, base, false),
                None => self.copy(child, value.span.clone()),
            }
            self.text.push_str(", ");
        }
        for (key, value) in base {
            let name = key.string(parent.text);
            if !own.iter().any(|(other, _)| other.string(child.text) == name) {
                self.copy(parent, key.span.start..value.span.end);
                self.text.push_str(", ");
            }
        }
    }
}

fn is_mergeable(child: &Source<'_>, own: &Group, parent: &Source<'_>, base: &Group) -> bool {
    let name = |source: &Source<'_>, group: &Group| {
        group.name.clone().and_then(|span| source.text.get(span)).unwrap_or_default().to_owned()
    };
    own.elements.is_empty() && base.elements.is_empty() && name(child, own) == name(parent, base)
}

/// A text that is copied from: a file, or a parent that is joined itself.
struct Source<'t> {
    file: &'t str,
    text: &'t str,
    pieces: Option<&'t [Piece]>,
}

/// Joins every marked record with its parents: for each record of `written` that needs it, `None` when it is abstract.
/// What `memo` knows from before is not joined again.
pub(crate) fn extend(
    written: &[Written<'_>],
    memo: &mut (Arc<Memo>, Memo),
    findings: &mut Findings<'_>,
) -> BTreeMap<usize, Option<Arc<Joined>>> {
    let mut extended = BTreeMap::new();
    if !written.iter().any(Written::is_marked) {
        return extended;
    }
    let mut by_id = BTreeMap::new();
    for record in written {
        if let Some(id) = record.id() {
            by_id.entry(id).or_insert(*record);
        }
    }
    for (index, record) in written.iter().enumerate().filter(|(_, record)| record.is_marked()) {
        ["abstract", "unused"].into_iter().for_each(|mark| check_mark(record, mark, findings));
        let (chain, is_whole) = chain(*record, &by_id, findings);
        let links = || chain.iter().map(|link| (link.file, link.node.span.start, link.own_text()));
        let joined = memo.0.joined(links(), is_whole, &mut memo.1).unwrap_or_else(|| {
            let joined = Arc::new(Joined { is_whole, ..join(&chain) });
            memo.1.keep_joined(links(), &joined);
            joined
        });
        extended.insert(index, Some(joined).filter(|_| !record.is_abstract()));
    }
    let marked = || written.iter().filter(|record| record.is_marked());
    let parents: BTreeSet<&str> = marked().filter_map(|record| record.string("extends")).collect();
    for record in marked().filter(|record| record.is_abstract()) {
        if let Some(id) = record.id().filter(|id| !parents.contains(id)) {
            let message = format!("`{id}` is abstract, but no record extends it");
            let node = record.node.nearest(record.text, "id");
            findings.add(Code::UnusedAbstract, record.file, node.mark(), message).label("unused");
        }
    }
    extended
}

fn check_mark(record: &Written<'_>, mark: &str, findings: &mut Findings<'_>) {
    let Some(node) = record.node.at(record.text, mark) else { return };
    if !matches!(record.text.get(node.span.clone()), Some("true" | "false")) {
        let message = format!("`{mark}` needs true or false, found {}", node.describe(record.text));
        findings.add(Code::WrongType, record.file, node.mark(), message).label("expected true or false");
    }
}

/// A record, its parent, and so on, and whether the chain is whole; what is not good is reported and ends it.
fn chain<'t>(
    record: Written<'t>,
    by_id: &BTreeMap<&'t str, Written<'t>>,
    findings: &mut Findings<'_>,
) -> (Vec<Written<'t>>, bool) {
    let mut chain = vec![record];
    let mut ids: Vec<&str> = record.id().into_iter().collect();
    let mark = record.node.at(record.text, "extends").map_or(0..0, Node::mark);
    loop {
        let at = chain[chain.len() - 1];
        let (name, parent) = match parent_of(&at, by_id) {
            Ok(Some(parent)) => parent,
            Ok(None) => return (chain, true),
            Err((code, message, help)) => {
                // Parents speak for themselves.
                if chain.len() == 1 {
                    findings.add(code, at.file, mark, message).label("not to extend").help(help);
                }
                return (chain, false);
            }
        };
        let is_round = ids.contains(&name);
        ids.push(name);
        if is_round {
            // Of all members of a circle the one with the least id reports it.
            if ids.first() == ids.last() && ids.first() == ids.iter().min() {
                let help = format!("the way round is {}", ids.join(" -> "));
                let message = format!("`{name}` extends itself");
                findings.add(Code::ExtendsCycle, record.file, mark, message).label("round").help(help);
            }
            return (chain, false);
        }
        if chain.len() > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} records extend one another from here to `{name}`");
            findings.add(Code::ExtendsTooDeep, record.file, mark, message).label("too deep");
            return (chain, false);
        }
        chain.push(parent);
    }
}

type ChainFault = (Code, String, Option<String>);

fn parent_of<'t>(
    at: &Written<'t>,
    by_id: &BTreeMap<&'t str, Written<'t>>,
) -> Result<Option<(&'t str, Written<'t>)>, ChainFault> {
    let Some(node) = at.node.at(at.text, "extends") else { return Ok(None) };
    let Some(name) = node.string(at.text) else {
        return Err((Code::WrongType, "`extends` needs the id of a record".to_owned(), None));
    };
    let Some(parent) = by_id.get(name) else {
        let same_kind = by_id.iter().filter(|(_, other)| other.kind == at.kind).map(|(id, _)| *id);
        let help = nearest(name, same_kind).map(|near| format!("did you mean \"{near}\"?"));
        return Err((Code::UnknownReference, format!("`{name}` is to be extended, but does not exist"), help));
    };
    if parent.kind != at.kind {
        let (own, other) = (a(at.kind), a(parent.kind));
        return Err((Code::WrongKind, format!("{own} can only extend {own}, but `{name}` is {other}"), None));
    }
    Ok(Some((name, *parent)))
}

/// The first record of a chain with what the others have.
fn join(chain: &[Written<'_>]) -> Joined {
    let mut joined: Option<(Joined, Node)> = None;
    let nothing = Node { span: 0..0, shape: Shape::Group(Group::default()) };
    for record in chain.iter().rev() {
        let child = Source { file: record.file, text: record.text, pieces: None };
        let id = record.id().unwrap_or_default().to_owned();
        let mut next = Joined { id, end: record.node.span.end, ..Joined::default() };
        match &joined {
            Some((parent, node)) => {
                let parent = Source { file: "", text: &parent.text, pieces: Some(&parent.pieces) };
                next.merge(&child, record.node, &parent, node, true);
            }
            None => {
                let empty = Source { file: "", text: "", pieces: None };
                next.merge(&child, record.node, &empty, &nothing, true);
            }
        }
        let node = scan(&next.text).records.first().map_or_else(|| nothing.clone(), |record| record.node.clone());
        joined = Some((next, node));
    }
    joined.map(|(joined, _)| joined).unwrap_or_default()
}
