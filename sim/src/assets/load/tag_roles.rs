//! What tags are for: some fields give a tag to something, all others ask for theirs. What is asked for but carried by nothing
//! never comes true.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::{Loaded, LoadedTable, Run};
use crate::assets::{
    CORE_TAGS, Record, RefVisitor, Tag, TagSet,
    report::Code,
    tags::{is_foreign, is_tag},
};

/// Fields whose tags a record has, gives or names a group by; all other fields ask for theirs.
const CARRIERS: [&str; 4] = ["tags", "grants", "gcd.group", "cooldown.tag"];

/// The tags of all records by what they are for.
#[derive(Debug, Default)]
pub(crate) struct TagRoles {
    carried: BTreeSet<String>,
    /// Where each is asked for first.
    asked: BTreeMap<String, (Arc<str>, Range<usize>)>,
}

/// The tags of one record: whether it carries them, the path, and the name.
#[derive(Default)]
struct Visitor(Vec<(bool, String, String)>);

impl RefVisitor for Visitor {
    fn visit(&mut self, _: &str, _: &'static str, _: &str, _: &mut u32) {}

    fn visit_tags(&mut self, path: &str, tags: &mut [Tag]) -> Option<TagSet> {
        for (index, tag) in tags.iter().enumerate() {
            self.0.push((CARRIERS.contains(&path), format!("{path}.{index}"), tag.name().to_owned()));
        }
        None
    }
}

impl Run<'_> {
    /// Adds what the records of one kind say.
    pub(crate) fn add_tag_roles<T: Record + Clone>(&mut self, table: &LoadedTable<T>, all: &mut TagRoles) {
        for Loaded { value, file, record, .. } in table.0.values() {
            let (mut own, mut visitor) = (T::clone(value), Visitor::default());
            own.visit_refs(&mut visitor);
            let file = &self.files[*file];
            for (is_carried, path, name) in visitor.0 {
                if is_carried {
                    all.carried.insert(name);
                } else {
                    let node = file.scan.records[*record].node.nearest(&file.text, &path);
                    all.asked.entry(name).or_insert_with(|| (Arc::clone(&file.path), node.mark()));
                }
            }
        }
    }

    /// Reports every tag that is asked for but that nothing carries. What belongs to the program it may give itself.
    pub(crate) fn warn_never_carried(&mut self, all: &TagRoles) {
        // Whoever asks for a family is answered by its members.
        let is_member = |own: &str, name: &str| own.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let has = |name: &str| all.carried.iter().any(|own| own == name || is_member(own, name));
        for (name, (file, span)) in &all.asked {
            let is_known = CORE_TAGS.contains(&name.as_str()) || !is_tag(name) || is_foreign(name);
            if !is_known && !has(name) {
                let message = format!("nothing has the tag `{name}`, so this never comes true");
                self.findings.add(Code::TagNeverCarried, file, span.clone(), message).label("nothing has it");
            }
        }
    }
}
