//! Every id of a run, also those of records that cannot be read, so that one broken record does not break its users.
//! Ids are collected before any record is read; their order gives the dense indices. Duplicates and ids of a bad form are
//! reported here, and so are references by name, found as strings of the form `kind/name` wherever they stand.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{
    Assets,
    check::is_id,
    kinds::KINDS,
    report::{Code, Findings, nearest},
    span::Facts,
};

/// Where a record is defined, and its dense index once that is known.
#[derive(Debug, Clone)]
struct Place {
    file: Arc<str>,
    span: Range<usize>,
    index: u32,
}

/// The ids of all kinds.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_kind: BTreeMap<&'static str, BTreeMap<Arc<str>, Place>>,
}

impl Names {
    /// Notes the id of a record of `kind`, if the text has one.
    pub(crate) fn add(&mut self, kind: &'static str, file: &Arc<str>, record: &Facts, findings: &mut Findings<'_>) {
        let names = self.by_kind.entry(kind).or_default();
        let Some((id, span)) = &record.id else {
            return;
        };
        if !is_id(kind, id) {
            let message =
                format!("`{id}` is not a good id: write \"{kind}/name\" with lower-case letters, digits, `_` and `.`");
            findings.add(Code::BadId, file, span.clone(), message).label("bad id");
        }
        if let Some(first) = names.get(&**id) {
            let place = findings.place(&first.file, first.span.start);
            findings
                .add(Code::DuplicateId, file, span.clone(), format!("there are two records with the id `{id}`"))
                .label("again")
                .help(format!("the first one is at {place}"));
            return;
        }
        names.insert(Arc::clone(id), Place { file: Arc::clone(file), span: span.clone(), index: u32::MAX });
    }

    /// Gives every id its index, once all are known: those of `before` theirs, then new ones by rank and name.
    pub(crate) fn number(&mut self, before: Option<&Assets>) {
        for kind in KINDS {
            let known = before.map(|before| (kind.names)(before)).unwrap_or_default();
            let known: BTreeMap<&str, u32> = known.into_iter().zip(0..).collect();
            let mut new = Vec::new();
            for (name, place) in self.by_kind.get_mut(kind.name).into_iter().flatten() {
                match known.get(&**name) {
                    Some(index) => place.index = *index,
                    None => new.push((name, place)),
                }
            }
            new.sort_by_key(|(name, _)| (kind.rank)(name));
            let first = u32::try_from(known.len()).unwrap_or(u32::MAX);
            (first..).zip(new).for_each(|(index, (_, place))| place.index = index);
        }
    }

    /// The index of `name` within its kind.
    pub(crate) fn index(&self, kind: &str, name: &str) -> Option<u32> {
        self.by_kind.get(kind)?.get(name).map(|place| place.index)
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
        let candidate = nearest(&full, names.keys().map(AsRef::as_ref))?;
        let place = names.get(candidate)?;
        let place = findings.place(&place.file, place.span.start);
        Some(format!("did you mean \"{candidate}\" ({place})?"))
    }

    /// The same for a reference that is written without its kind.
    pub(crate) fn short_suggestion(&self, kind: &str, name: &str, findings: &Findings<'_>) -> Option<String> {
        let names = self.by_kind.get(kind)?;
        let short = names.keys().filter_map(|id| id.split_once('/')).map(|(_, name)| name);
        let candidate = nearest(name.rsplit('/').next().unwrap_or(name), short)?;
        let place = names.get(format!("{kind}/{candidate}").as_str())?;
        let place = findings.place(&place.file, place.span.start);
        Some(format!("did you mean \"{candidate}\" ({place})?"))
    }
}
