//! Loads a set of sources in one run: sort files, scan, collect names, read and check each record, resolve references.
//! Nothing stops at a fault; the run goes as far as it can and ends with either a complete `Assets` or only a report.
//! Records are read one by one, so a bad record hides nothing of the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{
    AssetReport, AssetSources, Assets, EffectDef, Id, Record, SceneDef, SceneGround, TagRegistry,
    check::{Check, Checker, TagMention, check_navigation, check_tags, compile_ai, fill_heights, warn_never_carried},
    kinds::{KINDS, Records},
    memo::Memo,
    names::Names,
    repair::{self, Places},
    report::{Code, Findings},
    span::{Scan, ScannedRecord},
    tables::Tables,
};

mod files;
mod formulas;
mod resolve;
mod uses;

use resolve::{Resolver, TagResolver};
use uses::Uses;

/// Largest file in bytes.
const FILE_BYTES_MAX: usize = 4 << 20;
/// Most records of one kind.
const RECORDS_MAX: usize = 4_096;
/// Where number tables live.
const TABLES_FOLDER: &str = "tables";

impl Assets {
    /// Loads and checks everything; the error holds every fault of the run. Warnings do not keep data from loading.
    pub fn load(sources: &AssetSources) -> Result<Self, AssetReport> {
        let (assets, report) = Self::examine(sources);
        assets.ok_or(report)
    }

    /// The same for the data that follows on these: every record they have or ever had keeps its id.
    pub fn load_next(&self, sources: &AssetSources) -> Result<Self, AssetReport> {
        let (assets, report) = examine(sources, Some(self), None, false);
        assets.ok_or(report)
    }

    /// Loads and checks everything and always gives the report, which may hold warnings beside complete data.
    pub fn examine(sources: &AssetSources) -> (Option<Self>, AssetReport) {
        examine(sources, None, None, false)
    }

    /// As [`Assets::examine`]; of data without errors it also says what nothing in the game leads to.
    pub fn examine_closely(sources: &AssetSources) -> (Option<Self>, AssetReport) {
        examine(sources, None, None, true)
    }

    /// As [`Assets::examine_closely`]; data without errors is also checked on the ground that `ground` gives for each scene
    /// (`None` for one that is left out), or says why there is none.
    pub fn examine_on(
        sources: &AssetSources,
        mut ground: impl FnMut(&Self, Id<SceneDef>) -> Result<Option<SceneGround>, String>,
    ) -> (Option<Self>, AssetReport) {
        examine(sources, None, Some(&mut ground), true)
    }

    /// As [`Assets::examine_on`] for the data that follows on these: every record they have or ever had keeps its id. What
    /// nothing leads to may be in the making and is not told.
    pub fn examine_next_on(
        &self,
        sources: &AssetSources,
        mut ground: impl FnMut(&Self, Id<SceneDef>) -> Result<Option<SceneGround>, String>,
    ) -> (Option<Self>, AssetReport) {
        examine(sources, Some(self), Some(&mut ground), false)
    }
}

fn examine(
    sources: &AssetSources,
    before: Option<&Assets>,
    ground: Option<&mut GroundOf<'_>>,
    closely: bool,
) -> (Option<Assets>, AssetReport) {
    let mut run = Run::new(sources);
    run.memo.0 = before.map(|before| Arc::clone(&before.memo)).unwrap_or_default();
    run.sort_files();
    run.add_core();
    run.extend();
    run.collect_names(before);
    run.report_unknown_names();
    let records = run.records(before);
    run.warn_unused();
    let mut assets = None;
    if !run.findings.has_errors() {
        // What cannot be read may lead anywhere.
        if closely {
            run.warn_dead();
            warn_never_carried(&run.tags, &mut run.findings);
        }
        let complete = records.assets(before, Arc::new(sources.clone()), std::mem::take(&mut run.memo.1));
        if let Some(ground) = ground {
            run.check_ground(&complete, &records.scenes, ground);
        }
        assets = Some(complete).filter(|_| !run.findings.has_errors());
    }
    run.name_referrers();
    (assets, run.findings.into_report())
}

/// Gives the ground of a scene of complete data.
type GroundOf<'g> = dyn FnMut(&Assets, Id<SceneDef>) -> Result<Option<SceneGround>, String> + 'g;

/// A RON file below the folder of a kind.
struct RonFile<'s> {
    kind: &'static str,
    path: Cow<'s, str>,
    text: Cow<'s, str>,
    scan: Arc<Scan>,
}

/// A record that could be read, with what is needed to report about it later.
pub(crate) struct Loaded<T> {
    value: Arc<T>,
    file: usize,
    record: usize,
    places: Places,
}

/// The records of one kind that could be read, by id.
pub(crate) struct LoadedTable<T>(BTreeMap<u32, Loaded<T>>);

impl<T> LoadedTable<T> {
    /// The record with this id, unless it could not be read.
    pub(crate) fn get(&self, id: Id<T>) -> Option<&T> {
        self.0.get(&id.raw()).map(|loaded| loaded.value.as_ref())
    }

    /// Every record that could be read, in the order of ids.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Id<T>, &T)> {
        self.0.iter().map(|(index, loaded)| (Id::new(*index), &*loaded.value))
    }

    /// The records alone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.values().map(|loaded| loaded.value.as_ref())
    }

    /// Gives the tags of every record their ids.
    pub(crate) fn resolve_tags(&mut self, tags: &TagRegistry)
    where
        T: Record + Clone,
    {
        self.0.values_mut().for_each(|loaded| Arc::make_mut(&mut loaded.value).visit_refs(&mut TagResolver(tags)));
    }

    /// Every record, shared, with the number of its id.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, Arc<T>)> {
        self.0.iter().map(|(index, loaded)| (*index, Arc::clone(&loaded.value)))
    }
}

pub(crate) struct Run<'s> {
    sources: &'s AssetSources,
    findings: Findings<'s>,
    files: Vec<RonFile<'s>>,
    names: Names,
    tables: Tables,
    /// Who refers to whom.
    uses: Uses,
    /// Records that are only there to be extended.
    abstracts: BTreeSet<String>,
    tags: Vec<TagMention>,
    /// What was read of the data before this, and what of this.
    memo: (Arc<Memo>, Memo),
}

impl<'s> Run<'s> {
    fn new(sources: &'s AssetSources) -> Self {
        Self {
            sources,
            findings: Findings::new(sources),
            files: Vec::new(),
            names: Names::default(),
            tables: Tables::default(),
            uses: Uses::default(),
            abstracts: BTreeSet::new(),
            tags: Vec::new(),
            memo: Default::default(),
        }
    }

    fn collect_names(&mut self, before: Option<&Assets>) {
        for kind in KINDS.iter().map(|kind| kind.name) {
            let mut count = 0;
            for file in self.files.iter().filter(|file| file.kind == kind) {
                for record in &file.scan.records {
                    self.names.add(kind, &file.path, &file.text, &record.node, &mut self.findings);
                }
                let before = count;
                count += file.scan.records.len();
                if (before..count).contains(&RECORDS_MAX) {
                    let surplus = file.scan.records[RECORDS_MAX - before].node.mark();
                    let message = format!("there are more than {RECORDS_MAX} records of kind `{kind}`");
                    self.findings.add(Code::TooLarge, &file.path, surplus, message);
                }
            }
        }
        self.names.number(before);
    }

    /// Reports references to records that do not exist, also those of records that cannot be read.
    fn report_unknown_names(&mut self) {
        let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        for file in &self.files {
            for record in &file.scan.records {
                let own = record.node.at(&file.text, "id").and_then(|node| node.string(&file.text));
                for (kind, name, span) in self.names.references(&kinds, &file.text, &record.node) {
                    self.uses.add(own.unwrap_or_default(), name);
                    if self.abstracts.contains(name) {
                        let message = format!("`{name}` is abstract: only `extends` can name it");
                        self.findings.add(Code::AbstractReference, &file.path, span, message).label("abstract");
                    } else if self.names.index(kind, name).is_none() {
                        let help = self.names.suggestion(kind, name, &self.findings);
                        let title = title(file.kind, &file.text, record);
                        let message = format!("{title} refers to {kind} `{name}`, which does not exist");
                        self.findings
                            .add(Code::UnknownReference, &file.path, span, message)
                            .label("not found")
                            .help(help);
                    }
                }
            }
        }
    }

    fn records(&mut self, before: Option<&Assets>) -> Records {
        let mut records = Records::read(self);
        records.resolve_tags(check_tags(&self.tags, before.map(|before| &before.tags), &mut self.findings));
        for Loaded { value, file, record, places } in records.scenes.0.values_mut() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            fill_heights(Arc::make_mut(value), &mut self.tables, &mut check);
        }
        self.fill_formulas(&mut records);
        self.compile_ai(&mut records);
        records.check_among(self);
        records
    }

    /// Makes the trees ready to run, once all of them are there.
    fn compile_ai(&mut self, records: &mut Records) {
        let all = &records.ai;
        let mut trees = Vec::new();
        for Loaded { value, file, record, places } in all.0.values() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            trees.push(compile_ai(value, all, &mut check));
        }
        for (loaded, tree) in records.ai.0.values_mut().zip(trees) {
            Arc::make_mut(&mut loaded.value).tree = tree;
        }
    }

    fn check_ground(&mut self, assets: &Assets, scenes: &LoadedTable<SceneDef>, ground: &mut GroundOf<'_>) {
        for (index, Loaded { value, file, record, places }) in &scenes.0 {
            let ground = ground(assets, Id::new(*index));
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            check_navigation(value, ground, &mut check);
        }
    }

    /// Reads every record of one kind and checks each by itself.
    pub(crate) fn read_kind<T: Record + Check + DeserializeOwned + Clone + Send + Sync + 'static>(
        &mut self,
    ) -> LoadedTable<T> {
        let mut table = BTreeMap::new();
        for (file_index, file) in self.files.iter().enumerate().filter(|(_, file)| file.kind == T::KIND) {
            for (record_index, record) in file.scan.records.iter().enumerate() {
                if record.is_broken {
                    mark_tables(&mut self.tables, &file.text, record);
                    continue;
                }
                let read = self.memo.0.recall::<T>(T::KIND, record_text(file, record), &mut self.memo.1);
                let (value, places) = match read {
                    Some(value) => (Some(value), Places::default()),
                    None => {
                        let before = self.findings.count();
                        let parsed =
                            repair::parse::<T>(&file.path, &file.text, &file.scan, record, T::KIND, &mut self.findings);
                        let is_clean = file.scan.faults.is_empty() && self.findings.count() == before;
                        if let Some(value) = parsed.value.as_ref().filter(|_| is_clean) {
                            self.memo.1.keep(T::KIND, record_text(file, record), value);
                        }
                        (parsed.value, parsed.places)
                    }
                };
                let Some(mut value) = value else {
                    mark_tables(&mut self.tables, &file.text, record);
                    continue;
                };
                fill_name(&mut value, record.node.at(&file.text, "name").is_some());
                let mut check = checker(&mut self.findings, file, record, &places);
                value.check(&mut check);
                let (names, from, uses) = (&self.names, value.id().to_owned(), &mut self.uses);
                value.visit_refs(&mut Resolver { names, check: &mut check, tags: &mut self.tags, uses, from });
                if let Some(index) = self.names.index(T::KIND, value.id()) {
                    let value = Arc::new(value);
                    // Of two records with one id the first counts; the second was reported.
                    let loaded = Loaded { value, file: file_index, record: record_index, places };
                    table.entry(index).or_insert(loaded);
                }
            }
        }
        LoadedTable(table)
    }

    /// Checks every record of one kind among all records.
    pub(crate) fn check_among<T: Record + Check>(&mut self, table: &LoadedTable<T>, records: &Records) {
        for Loaded { value, file, record, places } in table.0.values() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            value.check_among(records, &mut check);
        }
    }

    fn warn_unused(&mut self) {
        self.tables.warn_unused(&mut self.findings);
        for file in self.files.iter().filter(|file| file.kind == EffectDef::KIND) {
            for record in &file.scan.records {
                let Some(node) = record.node.at(&file.text, "id") else {
                    continue;
                };
                if node.string(&file.text).is_some_and(|id| !self.uses.is_used(id) && !self.uses.is_meant(id)) {
                    let message = format!("nothing applies {}", title(file.kind, &file.text, record));
                    self.findings.add(Code::UnusedEffect, &file.path, node.span.clone(), message).label("unused");
                }
            }
        }
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

fn checker<'f, 's>(
    findings: &'f mut Findings<'s>,
    file: &'f RonFile<'_>,
    record: &'f ScannedRecord,
    places: &'f Places,
) -> Checker<'f, 's> {
    Checker {
        findings,
        file: &file.path,
        text: &file.text,
        record,
        places,
        title: title(file.kind, &file.text, record),
    }
}

fn record_text<'f>(file: &'f RonFile<'_>, record: &ScannedRecord) -> &'f str {
    file.text.get(record.node.span.clone()).unwrap_or_default()
}

/// What a message calls a record: its kind and id.
fn title(kind: &str, text: &str, record: &ScannedRecord) -> String {
    match record.node.at(text, "id").and_then(|node| node.string(text)) {
        Some(id) => format!("{kind} `{id}`"),
        None => format!("this {kind}"),
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

#[cfg(test)]
mod tests;
