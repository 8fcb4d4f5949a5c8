//! Loads a set of sources in one run: sort files, scan, collect names, read and check each record, resolve references.
//! Nothing stops at a fault; the run goes as far as it can and ends with either a complete `Assets` or only a report.
//! Records are read one by one, so a bad record hides nothing of the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    AssetReport, AssetSources, Assets, EffectDef, Id, Record, SceneDef, SceneGround, TagRegistry,
    check::{Check, Checker, TagMentions, check_navigation, check_tags, compile_ai, fill_heights},
    kinds::{KINDS, Records},
    memo::{Memo, Said},
    names::Names,
    repair::Places,
    report::{Code, Findings},
    span::{Reference, Scan, ScannedRecord},
    tables::Tables,
};

mod files;
mod formulas;
mod read;
mod resolve;
mod tag_roles;
mod uses;

pub(crate) use tag_roles::TagRoles;

use resolve::TagResolver;

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
            records.warn_never_carried(&mut run);
        }
        let complete = records.assets(before, Arc::new(sources.clone()), std::mem::take(&mut run.memo.1));
        if let Some(ground) = ground {
            run.check_ground(&complete, &records.scenes, ground);
        }
        assets = Some(complete).filter(|_| !run.findings.has_errors());
    }
    if run.findings.has_errors() {
        run.name_referrers();
    }
    (assets, run.findings.into_report())
}

/// Gives the ground of a scene of complete data.
type GroundOf<'g> = dyn FnMut(&Assets, Id<SceneDef>) -> Result<Option<SceneGround>, String> + 'g;

/// A RON file below the folder of a kind.
struct RonFile<'s> {
    kind: &'static str,
    path: Arc<str>,
    text: Cow<'s, str>,
    scan: Arc<Scan>,
}

/// A record that could be read, with what is needed to report about it later.
pub(crate) struct Loaded<T> {
    value: Arc<T>,
    file: usize,
    record: usize,
    places: Places,
    fresh: Option<Fresh>,
}

/// What is kept of a record that was read for the first time: its text, the hash of that, and what it says; nothing of one
/// with faults.
struct Fresh(Option<(Box<str>, u64, Said)>);

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

    /// Gives the tags of every record that was read for the first time their ids, and keeps it in `memo` for the next.
    pub(crate) fn resolve_tags(&mut self, tags: &TagRegistry, memo: &mut Memo)
    where
        T: Record + Clone + Send + Sync + 'static,
    {
        for loaded in self.0.values_mut() {
            let Some(Fresh(kept)) = loaded.fresh.take() else { continue };
            Arc::make_mut(&mut loaded.value).visit_refs(&mut TagResolver(tags));
            if let Some((text, hash, said)) = kept {
                memo.keep((T::KIND, text, hash), &loaded.value, said);
            }
        }
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
    /// Effects that a record names.
    referenced: BTreeSet<Box<str>>,
    /// Records that are only there to be extended.
    abstracts: BTreeSet<String>,
    /// Records that say they are unused.
    meant: BTreeSet<String>,
    tags: Vec<TagMentions>,
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
            referenced: BTreeSet::new(),
            abstracts: BTreeSet::new(),
            meant: BTreeSet::new(),
            tags: Vec::new(),
            memo: Default::default(),
        }
    }

    fn collect_names(&mut self, before: Option<&Assets>) {
        for kind in KINDS.iter().map(|kind| kind.name) {
            let mut count = 0;
            for file in self.files.iter().filter(|file| file.kind == kind) {
                for record in &file.scan.records {
                    self.names.add(kind, &file.path, record.facts(&file.text), &mut self.findings);
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
        for file in &self.files {
            for record in &file.scan.records {
                for Reference { kind, name, span } in &record.facts(&file.text).references {
                    if *kind == EffectDef::KIND && !self.referenced.contains(name) {
                        self.referenced.insert(name.clone());
                    }
                    if self.abstracts.contains(&**name) {
                        let message = format!("`{name}` is abstract: only `extends` can name it");
                        self.findings.add(Code::AbstractReference, &file.path, span.clone(), message).label("abstract");
                    } else if self.names.index(kind, name).is_none() {
                        let help = self.names.suggestion(kind, name, &self.findings);
                        let title = title(file.kind, &file.text, record);
                        let message = format!("{title} refers to {kind} `{name}`, which does not exist");
                        self.findings
                            .add(Code::UnknownReference, &file.path, span.clone(), message)
                            .label("not found")
                            .help(help);
                    }
                }
            }
        }
    }

    fn records(&mut self, before: Option<&Assets>) -> Records {
        let mut records = Records::read(self);
        let tags = check_tags(&self.tags, before.map(|before| &before.tags), &mut self.findings);
        records.resolve_tags(tags, &mut self.memo.1);
        for Loaded { value, file, record, places, .. } in records.scenes.0.values_mut() {
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
        for Loaded { value, file, record, places, .. } in all.0.values() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            trees.push(compile_ai(value, all, &mut check));
        }
        for (loaded, tree) in records.ai.0.values_mut().zip(trees) {
            Arc::make_mut(&mut loaded.value).tree = tree;
        }
    }

    fn check_ground(&mut self, assets: &Assets, scenes: &LoadedTable<SceneDef>, ground: &mut GroundOf<'_>) {
        for (index, Loaded { value, file, record, places, .. }) in &scenes.0 {
            let ground = ground(assets, Id::new(*index));
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            check_navigation(value, ground, &mut check);
        }
    }

    /// Checks every record of one kind among all records.
    pub(crate) fn check_among<T: Record + Check>(&mut self, table: &LoadedTable<T>, records: &Records) {
        for Loaded { value, file, record, places, .. } in table.0.values() {
            let file = &self.files[*file];
            let mut check = checker(&mut self.findings, file, &file.scan.records[*record], places);
            value.check_among(records, &mut check);
        }
    }

    fn warn_unused(&mut self) {
        self.tables.warn_unused(&mut self.findings);
        for file in self.files.iter().filter(|file| file.kind == EffectDef::KIND) {
            for record in &file.scan.records {
                let Some((id, span)) = &record.facts(&file.text).id else {
                    continue;
                };
                if !self.referenced.contains(&**id) && !self.meant.contains(&**id) {
                    let message = format!("nothing applies {}", title(file.kind, &file.text, record));
                    self.findings.add(Code::UnusedEffect, &file.path, span.clone(), message).label("unused");
                }
            }
        }
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
    match record.facts(text).id() {
        Some(id) => format!("{kind} `{id}`"),
        None => format!("this {kind}"),
    }
}

#[cfg(test)]
mod tests;
