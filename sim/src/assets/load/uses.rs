//! Who refers to whom: what nothing in the game leads to is dead data, and whoever mends a record is told who else uses it.
//! What leads on by itself are scenes, classes and events, what is built in, and what says that it is meant to be unused;
//! designers' tests play with what there is and lead to nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Run;
use crate::assets::{
    ClassDef, EffectDef, Record, SceneDef, TestDef, WorldEventDef, core,
    extends::Written,
    report::{Code, Findings},
    span::scan,
};

/// Kinds whose records are there for their own sake.
const ROOTS: [&str; 4] = [SceneDef::KIND, ClassDef::KIND, WorldEventDef::KIND, TestDef::KIND];
/// Most names that a message lists.
const NAMES_MAX: usize = 3;

/// Who refers to whom, by id.
#[derive(Debug, Default)]
pub(super) struct Uses {
    to: BTreeMap<String, BTreeSet<String>>,
    from: BTreeMap<String, BTreeSet<String>>,
    /// Who extends whom: child, then parent.
    heirs: BTreeSet<(String, String)>,
    /// Records that say they are unused.
    meant: BTreeSet<String>,
    /// Where each record was written, by file.
    written: BTreeMap<String, Vec<(Range<usize>, String)>>,
}

impl Uses {
    /// Notes a record as it was written: what it says about itself, and its parent.
    pub(super) fn add_record(&mut self, record: &Written<'_>) {
        let Some(id) = record.string("id") else { return };
        self.written.entry(record.file.to_owned()).or_default().push((record.node.span.clone(), id.to_owned()));
        if record.says("unused") {
            self.meant.insert(id.to_owned());
        }
        if let Some(parent) = record.string("extends") {
            self.add(id, parent);
            self.heirs.insert((id.to_owned(), parent.to_owned()));
        }
    }

    /// Notes that a record refers to another.
    pub(super) fn add(&mut self, from: &str, to: &str) {
        if from != to {
            self.to.entry(from.to_owned()).or_default().insert(to.to_owned());
            self.from.entry(to.to_owned()).or_default().insert(from.to_owned());
        }
    }

    /// Notes what a formula may name: attributes and curves.
    pub(super) fn add_formula(&mut self, from: &str, text: &str) {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
        for word in text.split(|c| !is_word(c)).filter(|word| !word.is_empty()) {
            let own = word.rsplit('.').next().unwrap_or(word);
            for name in [word, own] {
                ["attribute", "curve"].into_iter().for_each(|kind| self.add(from, &format!("{kind}/{name}")));
            }
        }
    }

    /// Whether anything refers to a record.
    pub(super) fn is_used(&self, id: &str) -> bool {
        self.from.contains_key(id)
    }

    /// Whether a record says that it is unused.
    pub(super) fn is_meant(&self, id: &str) -> bool {
        self.meant.contains(id)
    }

    /// All that these lead to, themselves too.
    fn reach<'u>(&'u self, starts: impl IntoIterator<Item = &'u str>) -> BTreeSet<&'u str> {
        let (mut reached, mut open) = (BTreeSet::new(), starts.into_iter().collect::<Vec<&str>>());
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                open.extend(self.to.get(id).into_iter().flatten().map(String::as_str));
            }
        }
        reached
    }

    /// Who refers to a record, the first of them with its place; without those that extend it and those that `told` names
    /// already.
    fn referrers(&self, id: &str, told: &str, findings: &Findings<'_>) -> Option<String> {
        let is_news = |from: &&String| {
            let is_heir = self.heirs.contains(&((*from).clone(), id.to_owned()));
            !is_heir && !told.contains(from.as_str())
        };
        let all: Vec<&String> = self.from.get(id)?.iter().filter(is_news).collect();
        let place = |id: &String| {
            let find = |(file, records): (&String, &Vec<(Range<usize>, String)>)| {
                let (span, _) = records.iter().find(|(_, own)| own == id)?;
                Some(findings.place(file, span.start))
            };
            self.written.iter().find_map(find)
        };
        let first = all.first()?;
        let first_place = place(first).map(|place| format!(" ({place})")).unwrap_or_default();
        let others = list(all.iter().skip(1).map(|id| id.as_str()));
        let others = if others.is_empty() { others } else { format!(", {others}") };
        Some(format!("`{id}` is used by `{first}`{first_place}{others}"))
    }
}

/// The first few of some names, and how many more there are.
fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    let mut told: Vec<String> = names.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    if names.len() > NAMES_MAX {
        told.push(format!("{} more", names.len() - NAMES_MAX));
    }
    told.join(", ")
}

impl Run<'_> {
    /// Tells of every fault in a record who else uses that record.
    pub(super) fn name_referrers(&mut self) {
        let uses = &self.uses;
        self.findings.add_help(|findings, fault| {
            let records = uses.written.get(&fault.file)?;
            let (_, id) = records.iter().find(|(span, _)| span.contains(&fault.span.start))?;
            let told = format!("{} {}", fault.message, fault.help.as_deref().unwrap_or_default());
            uses.referrers(id, &told, findings)
        });
    }

    /// Reports what nothing leads to: of records that lead to one another only the first.
    pub(super) fn warn_dead(&mut self) {
        let core: BTreeSet<String> = core_ids();
        let uses = &self.uses;
        let all = || uses.written.values().flatten().map(|(_, id)| id.as_str());
        let is_root = |id: &&str| {
            let kind = id.split_once('/').map_or("", |(kind, _)| kind);
            ROOTS.contains(&kind) || core.contains(*id) || uses.meant.contains(*id)
        };
        let is_test = |id: &str| id.strip_prefix(TestDef::KIND).is_some_and(|rest| rest.starts_with('/'));
        let alive = uses.reach(all().filter(is_root).filter(|id| !is_test(id)));
        let dead: BTreeSet<&str> =
            all().filter(|id| !alive.contains(id) && !is_root(id) && !self.abstracts.contains(*id)).collect();
        let leads_here = |id: &str| uses.from.get(id).into_iter().flatten().any(|from| dead.contains(from.as_str()));
        let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut covered: BTreeSet<&str> = BTreeSet::new();
        // First those that no dead record leads to, then one of each ring.
        for id in dead.iter().filter(|id| !leads_here(id)).chain(&dead) {
            if !covered.contains(id) {
                let below: Vec<&str> =
                    uses.reach([*id]).into_iter().filter(|other| dead.contains(other) && other != id).collect();
                covered.extend(below.iter().chain([id]));
                told.push((id, below));
            }
        }
        let mut found = Vec::new();
        for (id, below) in told {
            // Effects without any use were told already.
            let is_told = id.starts_with(EffectDef::KIND) && !uses.is_used(id);
            let by_tests = uses.from.get(id).into_iter().flatten().any(|from| is_test(from));
            if !is_told {
                found.push((id.to_owned(), list(below.into_iter()), by_tests));
            }
        }
        for id in uses.meant.iter().filter(|id| {
            uses.from
                .get(*id)
                .is_some_and(|from| from.iter().any(|from| alive.contains(from.as_str()) && !uses.meant.contains(from)))
        }) {
            found.push((id.clone(), String::new(), false));
        }
        self.tell_dead(found);
    }

    fn tell_dead(&mut self, found: Vec<(String, String, bool)>) {
        for (id, below, by_tests) in found {
            let is_meant = self.uses.is_meant(&id);
            let find = |file: &&super::RonFile<'_>| {
                let is_it = |record: &&crate::assets::span::ScannedRecord| {
                    record.node.at(&file.text, "id").and_then(|node| node.string(&file.text)) == Some(id.as_str())
                };
                file.scan.records.iter().find(is_it).map(|record| record.node.clone())
            };
            let Some((file, node)) = self.files.iter().find_map(|file| Some((file, find(&file)?))) else { continue };
            let Some(mark) = node.at(&file.text, "id").map(|node| node.span.clone()) else { continue };
            let (kind, _) = id.split_once('/').unwrap_or(("record", ""));
            if is_meant {
                let message = format!("{kind} `{id}` says that it is unused, but it is not");
                let help = self.uses.referrers(&id, "", &self.findings);
                self.findings.add(Code::UsedUnused, &file.path, mark, message).label("used").help(help);
                continue;
            }
            let only = if by_tests { "nothing but tests refers" } else { "nothing in the game leads" };
            let message = format!("{only} to {kind} `{id}`");
            let with = if below.is_empty() { below } else { format!("nor to {below}, which it leads to; ") };
            let help = format!("{with}say `unused: true` if that is meant");
            self.findings.add(Code::UnusedRecord, &file.path, mark, message).label("unused").help(help);
        }
    }
}

/// The ids of what is built in: the program knows them by name.
fn core_ids() -> BTreeSet<String> {
    let ids = |text: &str| {
        let id =
            |record: &crate::assets::span::ScannedRecord| record.node.at(text, "id")?.string(text).map(str::to_owned);
        scan(text).records.iter().filter_map(id).collect::<Vec<_>>()
    };
    core::FILES.iter().flat_map(|(_, _, text)| ids(text)).collect()
}
