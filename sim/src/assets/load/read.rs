//! Reads the records of one kind and checks each by itself; what is known from the data before is not read again.

use std::{collections::BTreeMap, sync::Arc};

use serde::de::DeserializeOwned;

use super::{Fresh, Loaded, LoadedTable, Run, checker, record_text, resolve::Resolver};
use crate::assets::{
    Record,
    check::{Check, TagMentions},
    memo::Said,
    repair::{self, Places},
    span::ScannedRecord,
    tables::Tables,
};

impl Run<'_> {
    /// Reads every record of one kind and checks each by itself.
    pub(crate) fn read_kind<T: Record + Check + DeserializeOwned + Clone + Send + Sync + 'static>(
        &mut self,
    ) -> LoadedTable<T> {
        let mut table = BTreeMap::new();
        for file in 0..self.files.len() {
            if self.files[file].kind != T::KIND {
                continue;
            }
            for record in 0..self.files[file].scan.records.len() {
                let Some(loaded) = self.recall::<T>(file, record).or_else(|| self.read(file, record)) else {
                    let (file, record) = (&self.files[file], &self.files[file].scan.records[record]);
                    mark_tables(&mut self.tables, &file.text, record);
                    continue;
                };
                if let Some(index) = self.names.index(T::KIND, loaded.value.id()) {
                    // Of two records with one id the first counts; the second was reported.
                    table.entry(index).or_insert(loaded);
                }
            }
        }
        LoadedTable(table)
    }

    /// The record as it was in the data before.
    fn recall<T: Record + Send + Sync + 'static>(&mut self, file_index: usize, index: usize) -> Option<Loaded<T>> {
        let file = &self.files[file_index];
        let record = &file.scan.records[index];
        if record.is_broken || !file.scan.faults.is_empty() {
            return None;
        }
        let key = (T::KIND, record_text(file, record), record.facts(&file.text).hash);
        let (value, tags) = self.memo.0.recall::<T>(key, &self.names, &mut self.memo.1)?;
        if !tags.is_empty() {
            self.tags.push(TagMentions { file: Arc::clone(&file.path), start: record.node.span.start, tags });
        }
        Some(Loaded { value, file: file_index, record: index, places: Places::default(), fresh: None })
    }

    /// Reads a record from its text; `None` when that cannot be done.
    fn read<T: Record + Check + DeserializeOwned>(&mut self, file_index: usize, index: usize) -> Option<Loaded<T>> {
        let file = &self.files[file_index];
        let record = &file.scan.records[index];
        if record.is_broken {
            return None;
        }
        let before = self.findings.count();
        let parsed = repair::parse::<T>(&file.path, &file.text, &file.scan, record, T::KIND, &mut self.findings);
        let (mut value, places) = (parsed.value?, parsed.places);
        fill_name(&mut value, record.node.at(&file.text, "name").is_some());
        let mut check = checker(&mut self.findings, file, record, &places);
        value.check(&mut check);
        let mut resolver = Resolver { names: &self.names, check: &mut check, tags: Vec::new(), links: Vec::new() };
        value.visit_refs(&mut resolver);
        let Resolver { tags, links, .. } = resolver;
        let start = record.node.span.start;
        let tags: Arc<[_]> =
            tags.into_iter().map(|(name, span)| (name, span.start - start..span.end - start)).collect();
        if !tags.is_empty() {
            self.tags.push(TagMentions { file: Arc::clone(&file.path), start, tags: Arc::clone(&tags) });
        }
        let is_clean = file.scan.faults.is_empty() && self.findings.count() == before;
        let kept = is_clean.then(|| (record_text(file, record).into(), record.facts(&file.text).hash));
        let fresh = Some(Fresh(kept.map(|(text, hash)| (text, hash, Said { links, tags }))));
        Some(Loaded { value: Arc::new(value), file: file_index, record: index, places, fresh })
    }
}

/// A record without a name is called what its id says, in title case.
fn fill_name<T: Record>(value: &mut T, is_written: bool) {
    let id = value.id().rsplit(['/', '.']).next().unwrap_or_default();
    let words = id.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    let name = words.collect::<Vec<_>>().join(" ");
    if let Some(own) = value.name_mut().filter(|_| !is_written) {
        *own = name;
    }
}

/// The tables that an unreadable record names are not unused.
fn mark_tables(tables: &mut Tables, text: &str, record: &ScannedRecord) {
    record.node.walk(&mut |node| {
        if let Some(path) = node.string(text) {
            tables.mark_used(path);
        }
    });
}
