//! Where things stand in a RON file: a tree of spans for fields and elements, looked up by paths like `actions.0.effect`.
//! It finds brackets, names and strings, never values: `ron` reads those. It also mends what a reader can mend (a
//! forgotten comma, colon or bracket), so that one slip does not hide the faults behind it.
//! A string ends on its own line, and nesting is limited, so a stray quote or bracket costs one line, not the file.

use std::ops::Range;

mod facts;
mod scanner;

pub(crate) use facts::{Facts, Reference};
pub(crate) use scanner::{Scan, ScannedRecord, scan};

/// A piece of RON text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) shape: Shape,
}

/// What a piece looks like from outside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A name alone: `true`, `Enemy`, `None`.
    Word,
    Number,
    /// A string; its text stands between the quotes.
    Text,
    /// `[ .. ]`
    List(Vec<Node>),
    /// `Name( .. )` or `( .. )`, with fields or with elements.
    Group(Group),
    /// `{ "key": value, .. }`, keys and values in the order of the text.
    Map(Vec<(Node, Node)>),
    /// Anything that assets do not use.
    Other,
}

/// The inside of a pair of parentheses.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: Option<Range<usize>>,
    /// Just behind the opening parenthesis.
    pub(crate) inside: usize,
    pub(crate) fields: Vec<Field>,
    pub(crate) elements: Vec<Node>,
}

/// `key: value`
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) key: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// The node at `path` (`actions.0.effect`; empty for this node), or `None` where the text has no such thing. In a
    /// map `name` is the value and `@name` its key.
    pub(crate) fn at(&self, text: &str, path: &str) -> Option<&Node> {
        let mut node = self;
        for segment in path.split('.').filter(|segment| !segment.is_empty()) {
            node = node.child(text, segment)?;
        }
        Some(node)
    }

    /// The node at `path`, or the closest one around it.
    pub(crate) fn nearest(&self, text: &str, path: &str) -> &Node {
        let mut node = self;
        for segment in path.split('.').filter(|segment| !segment.is_empty()) {
            match node.child(text, segment) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    /// The field `key` of this node, with the place of its name.
    pub(crate) fn field(&self, text: &str, key: &str) -> Option<&Field> {
        let Shape::Group(group) = &self.shape else {
            return None;
        };
        group.fields.iter().find(|field| text.get(field.key.clone()) == Some(key))
    }

    fn child(&self, text: &str, segment: &str) -> Option<&Node> {
        let index = segment.parse::<usize>();
        match (&self.shape, index) {
            (Shape::List(elements), Ok(index)) => elements.get(index),
            (Shape::Group(group), Ok(index)) => group.elements.get(index),
            (Shape::Group(_), Err(_)) => self.field(text, segment).map(|field| &field.value),
            (Shape::Map(entries), _) => {
                let (wanted, is_key) = segment.strip_prefix('@').map_or((segment, false), |key| (key, true));
                let (key, value) = entries.iter().find(|(key, _)| key.string(text) == Some(wanted))?;
                Some(if is_key { key } else { value })
            }
            _ => None,
        }
    }

    /// The part worth marking: the name of a variant or the bracket of a group, and all of anything smaller.
    pub(crate) fn mark(&self) -> Range<usize> {
        match &self.shape {
            Shape::Group(Group { name: Some(name), .. }) => name.clone(),
            Shape::Group(_) | Shape::List(_) | Shape::Map(_) => self.span.start..self.span.start + 1,
            _ => self.span.clone(),
        }
    }

    /// What a reader would call it.
    pub(crate) fn describe(&self, text: &str) -> String {
        let own = text.get(self.span.clone()).unwrap_or_default();
        match &self.shape {
            Shape::Word if matches!(own, "true" | "false") => format!("`{own}`"),
            Shape::Word => format!("the name `{own}`"),
            Shape::Number => format!("the number {own}"),
            Shape::Text => format!("the string {own}"),
            Shape::List(_) => "a list `[..]`".to_owned(),
            Shape::Map(_) => "a map `{..}`".to_owned(),
            Shape::Group(Group { name: Some(name), .. }) => {
                format!("`{}(..)`", text.get(name.clone()).unwrap_or_default())
            }
            Shape::Group(group) if !group.fields.is_empty() => "named fields `(..)`".to_owned(),
            Shape::Group(group) if group.elements.len() == 1 => "one value in parentheses".to_owned(),
            Shape::Group(group) => format!("{} values in parentheses", group.elements.len()),
            Shape::Other => "something else".to_owned(),
        }
    }

    /// The text between the quotes of a string without escapes.
    pub(crate) fn string<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.shape != Shape::Text {
            return None;
        }
        text.get(self.span.start + 1..self.span.end.checked_sub(1)?)
    }

    /// Calls `visit` for every node in this one, itself included, outer before inner.
    pub(crate) fn walk<'n>(&'n self, visit: &mut impl FnMut(&'n Node)) {
        visit(self);
        match &self.shape {
            Shape::List(elements) => elements.iter().for_each(|element| element.walk(visit)),
            Shape::Group(group) => {
                group.elements.iter().for_each(|element| element.walk(visit));
                group.fields.iter().for_each(|field| field.value.walk(visit));
            }
            Shape::Map(entries) => entries.iter().for_each(|(key, value)| {
                key.walk(visit);
                value.walk(visit);
            }),
            Shape::Word | Shape::Number | Shape::Text | Shape::Other => {}
        }
    }
}
