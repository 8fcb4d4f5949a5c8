//! Reads one record with `ron` and goes on after an error, so that all faults of a record are found in one run.
//! After each error the smallest piece around it is replaced in a copy of the text by something that fits, and the copy is
//! read again, a limited number of times. Faults that only follow from a replacement are not reported; `Places` keeps
//! what was replaced, renamed or left out, so that later checks do the same.

use std::{collections::BTreeMap, ops::Range};

use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

use super::{
    report::{Code, Findings, nearest},
    span::{Group, Node, Scan, ScannedRecord, Shape},
    trace::{Expected, Trace, Traced},
};

pub(crate) mod blame;

/// Most times one record is read again.
const READS_MAX: usize = 64;
/// Most type errors reported for one record.
const FAULTS_MAX: usize = 16;
/// Stands for the value of a field that was missing until its type is known.
const MISSING: &str = "__missing";

/// A record as far as it could be read.
pub(crate) struct Parsed<T> {
    /// The value, with replacements where the text was wrong; `None` when it could not be mended.
    pub(crate) value: Option<T>,
    pub(crate) places: Places,
}

/// How paths of the value map to paths of the text.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Paths whose value is a replacement.
    replaced: Vec<String>,
    /// Fields read under another name: group path, name in the value, name in the text.
    renamed: Vec<(String, String, String)>,
    /// List elements left out: list path, index in the text.
    removed: Vec<(String, usize)>,
}

impl Places {
    /// The path in the text of what stands at `path` of the value.
    pub(crate) fn in_text(&self, path: &str) -> String {
        let mut mapped = String::new();
        for segment in path.split('.').filter(|segment| !segment.is_empty()) {
            let own = match segment.parse::<usize>() {
                Ok(index) => self.index_in_text(&mapped, index).to_string(),
                Err(_) => self.name_in_text(&mapped, segment).to_owned(),
            };
            mapped = join(&mapped, &own);
        }
        mapped
    }

    fn index_in_text(&self, list: &str, mut index: usize) -> usize {
        let mut removed: Vec<_> =
            self.removed.iter().filter(|(path, _)| path == list).map(|(_, index)| *index).collect();
        removed.sort_unstable();
        for gone in removed {
            if gone <= index {
                index += 1;
            }
        }
        index
    }

    fn name_in_text<'a>(&'a self, group: &str, name: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|(path, new, _)| path == group && new == name);
        renamed.map_or(name, |(_, _, old)| old)
    }

    /// Whether the value at a path of the text, or something around it, is a replacement.
    pub(crate) fn is_replaced(&self, path: &str) -> bool {
        self.replaced.iter().any(|replaced| {
            path.strip_prefix(replaced.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || replaced.is_empty())
        })
    }
}

/// `group.segment`, or only the segment at the top.
pub(crate) fn join(group: &str, segment: &str) -> String {
    if group.is_empty() { segment.to_owned() } else { format!("{group}.{segment}") }
}

/// Reads one record of `file`, reporting everything that keeps it from being a `T`.
pub(crate) fn parse<T: DeserializeOwned>(
    file: &str,
    text: &str,
    scan: &Scan,
    record: &ScannedRecord,
    kind: &'static str,
    findings: &mut Findings<'_>,
) -> Parsed<T> {
    let mut repair = Repair {
        file,
        text,
        kind,
        node: &record.node,
        edits: BTreeMap::new(),
        places: Places::default(),
        respelled: Vec::new(),
        fault_count: 0,
    };
    for (at, insertion) in &scan.insertions {
        repair.edits.insert((*at, *at), (*insertion).to_owned());
    }
    let mut value = None;
    for _ in 0..READS_MAX {
        match repair.read::<T>() {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(failure) => {
                let (error, trace) = *failure;
                if !repair.mend(error, &trace, findings) || repair.fault_count >= FAULTS_MAX {
                    break;
                }
            }
        }
    }
    Parsed { value, places: repair.places }
}

struct Repair<'a> {
    file: &'a str,
    text: &'a str,
    kind: &'static str,
    node: &'a Node,
    /// Replacements by span of the file; an empty span is an insertion.
    edits: BTreeMap<(usize, usize), String>,
    places: Places,
    /// Paths of variants whose name was corrected; the text there is not the text that was read.
    respelled: Vec<String>,
    fault_count: usize,
}

impl Repair<'_> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, Box<(ron::Error, Trace)>> {
        let text = self.render();
        let trace = Trace::new();
        let options = ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME);
        let read = ron::Deserializer::from_str_with_options(&text, &options).map_err(|error| error.code).and_then(
            |mut reader| {
                let value = T::deserialize(Traced::new(&mut reader, &trace))?;
                reader.end().map(|()| value)
            },
        );
        read.map_err(|error| Box::new((error, trace.into_inner())))
    }

    /// The text of the record with all edits; an edit inside a replaced piece is left out.
    fn render(&self) -> String {
        let Range { start, end } = self.node.span;
        let mut rendered = String::with_capacity(end - start + 64);
        let mut at = start;
        for ((from, to), replacement) in &self.edits {
            if *from < at || *to > end {
                continue;
            }
            rendered.push_str(&self.text[at..*from]);
            rendered.push_str(replacement);
            at = *to;
        }
        rendered.push_str(&self.text[at..end]);
        rendered
    }

    /// Reports an error and mends the text behind it; false when there is nothing more to try.
    fn mend(&mut self, error: ron::Error, trace: &Trace, findings: &mut Findings<'_>) -> bool {
        if self.fill_missing(trace.expected()) {
            return true;
        }
        let path = self.places.in_text(&trace.path());
        match error {
            ron::Error::MissingStructField { field, .. } => self.missing_field(&path, field, findings),
            ron::Error::NoSuchStructField { expected, found, .. } => {
                self.unknown_field(&path, expected, &found, findings)
            }
            ron::Error::DuplicateStructField { field, .. } => self.duplicate_field(&path, field, findings),
            ron::Error::NoSuchEnumVariant { expected, found, .. } => {
                self.unknown_variant(&path, expected, &found, findings)
            }
            error => self.misfit(&path, &error, trace, findings),
        }
    }

    /// Gives a missing field a value now that its type was asked for.
    fn fill_missing(&mut self, expected: Expected) -> bool {
        let unfilled = self.edits.values_mut().find(|edit| edit.contains(MISSING));
        unfilled.is_some_and(|edit| {
            *edit = edit.replacen(MISSING, &blame::default_text(expected), 1);
            true
        })
    }

    fn missing_field(&mut self, path: &str, field: &'static str, findings: &mut Findings<'_>) -> bool {
        let insertion = format!("{field}: {MISSING}, ");
        let Some(node) = self.node.at(self.text, path) else {
            return self.missing_in_inserted(path, &insertion);
        };
        let Shape::Group(Group { inside, .. }) = node.shape else {
            return self.missing_in_replaced(node, &insertion) || self.drop_element(path);
        };
        if !self.places.is_replaced(path) {
            self.fault_count += 1;
            let what = self.name_of(path);
            findings
                .add(Code::MissingField, self.file, node.mark(), format!("{what} has no `{field}`"))
                .label(format!("`{field}` is missing"));
        }
        self.edits.entry((inside, inside)).or_default().push_str(&insertion);
        self.places.replaced.push(join(path, field));
        true
    }

    /// A field missing in a group that stands there instead of something else.
    fn missing_in_replaced(&mut self, node: &Node, insertion: &str) -> bool {
        let edit = self.edits.get_mut(&(node.span.start, node.span.end));
        let open = edit.as_ref().and_then(|edit| edit.find('('));
        let (Some(edit), Some(open)) = (edit, open) else {
            return false;
        };
        edit.insert_str(open + 1, insertion);
        true
    }

    /// A field missing in a group that was itself inserted for a missing field.
    fn missing_in_inserted(&mut self, path: &str, insertion: &str) -> bool {
        let open = format!("{}: (", path.rsplit('.').next().unwrap_or(path));
        for edit in self.edits.values_mut() {
            if let Some(at) = edit.find(&open) {
                edit.insert_str(at + open.len(), insertion);
                return true;
            }
        }
        false
    }

    fn unknown_field(
        &mut self,
        path: &str,
        expected: &'static [&'static str],
        found: &str,
        findings: &mut Findings<'_>,
    ) -> bool {
        let Some(group) = self.node.at(self.text, path) else {
            return false;
        };
        let Some(field) = group.field(self.text, found) else {
            return false;
        };
        self.fault_count += 1;
        let what = self.name_of(path);
        let free = expected.iter().copied().filter(|name| group.field(self.text, name).is_none());
        let candidate = nearest(found, free);
        let help = match candidate {
            Some(candidate) => format!("did you mean `{candidate}`?"),
            None => format!("its fields are {}", blame::listed(expected, "and")),
        };
        findings
            .add(Code::UnknownField, self.file, field.key.clone(), format!("{what} has no field `{found}`"))
            .label("unknown field")
            .help(help);
        let (key, value) = (field.key.clone(), field.value.span.clone());
        match candidate {
            Some(candidate) => {
                self.edits.insert((key.start, key.end), candidate.to_owned());
                self.places.renamed.push((path.to_owned(), candidate.to_owned(), found.to_owned()));
            }
            None => self.cut(key.start..value.end),
        }
        true
    }

    fn duplicate_field(&mut self, path: &str, field: &str, findings: &mut Findings<'_>) -> bool {
        let Some(Node { shape: Shape::Group(group), .. }) = self.node.at(self.text, path) else {
            return false;
        };
        let mut same = group.fields.iter().filter(|other| self.text.get(other.key.clone()) == Some(field));
        let (Some(first), Some(second)) = (same.next(), same.find(|field| !self.is_cut(field.key.start))) else {
            return false;
        };
        self.fault_count += 1;
        let place = findings.place(self.file, first.key.start);
        findings
            .add(
                Code::DuplicateField,
                self.file,
                second.key.clone(),
                format!("{} has the field `{field}` twice", self.name_of(path)),
            )
            .label("again")
            .help(format!("the first one is at {place}"));
        self.cut(second.key.start..second.value.span.end);
        true
    }

    fn unknown_variant(
        &mut self,
        path: &str,
        expected: &'static [&'static str],
        found: &str,
        findings: &mut Findings<'_>,
    ) -> bool {
        let Some(node) = self.node.at(self.text, path) else {
            return false;
        };
        if self.places.is_replaced(path) {
            return self.drop_element(path);
        }
        self.fault_count += 1;
        let candidate = nearest(found, expected.iter().copied());
        let help = match candidate {
            Some(candidate) => format!("did you mean `{candidate}`?"),
            None => format!("it can be {}", blame::listed(expected, "or")),
        };
        let what = blame::field_name(path);
        findings
            .add(Code::UnknownVariant, self.file, node.mark(), format!("{what} cannot be `{found}`"))
            .label("unknown name")
            .help(help);
        let Some(candidate) = candidate else {
            return self.drop_element(path) || self.replace(path, node, expected.first().copied().unwrap_or("()"));
        };
        // Only the name is replaced, so that what stands in its parentheses is still checked.
        let mark = node.mark();
        self.respelled.push(path.to_owned());
        self.edits.insert((mark.start, mark.end), candidate.to_owned()).as_deref() != Some(candidate)
    }

    /// Replaces a value; false when that was tried before.
    fn replace(&mut self, path: &str, node: &Node, text: &str) -> bool {
        let is_new = !self.places.is_replaced(path);
        self.places.replaced.push(path.to_owned());
        let span = node.span.clone();
        self.edits.insert((span.start, span.end), text.to_owned()) != Some(text.to_owned()) && is_new
    }

    /// Leaves out the list element around `path`; false when it is in no list.
    fn drop_element(&mut self, path: &str) -> bool {
        let mut inner = path;
        loop {
            let (list, index) = inner.rsplit_once('.').unwrap_or(("", inner));
            let parent = self.node.at(self.text, list);
            if let (Some(Node { shape: Shape::List(elements), .. }), Ok(index)) = (parent, index.parse::<usize>()) {
                let Some(element) =
                    elements.get(index).filter(|_| !self.places.removed.contains(&(list.to_owned(), index)))
                else {
                    return false;
                };
                let span = element.span.clone();
                self.cut(span);
                self.places.removed.push((list.to_owned(), index));
                return true;
            }
            if list.is_empty() {
                return false;
            }
            inner = list;
        }
    }

    /// Takes out a member of a group or list together with its comma.
    fn cut(&mut self, span: Range<usize>) {
        let rest = &self.text[span.end..];
        let blank = rest.len() - rest.trim_start().len();
        let end = if rest[blank..].starts_with(',') { span.end + blank + 1 } else { span.end };
        self.edits.remove(&(span.end, span.end));
        self.edits.retain(|(from, to), _| *from < span.start || *to > end);
        self.edits.insert((span.start, end), String::new());
    }

    fn is_cut(&self, at: usize) -> bool {
        self.edits.iter().any(|((from, _), text)| *from == at && text.is_empty())
    }

    /// What a message calls the group at `path`.
    fn name_of(&self, path: &str) -> String {
        let own = match self.node.at(self.text, path).map(|node| &node.shape) {
            Some(Shape::Group(Group { name: Some(name), .. })) => self.text.get(name.clone()),
            _ => None,
        };
        match own {
            Some(name) => format!("`{name}`"),
            None if path.is_empty() => format!("this {}", self.kind),
            None => blame::field_name(path),
        }
    }
}
