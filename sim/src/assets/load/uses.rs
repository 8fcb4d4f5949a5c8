//! Who refers to whom: what nothing in the game leads to is dead data, and whoever mends a record is told who else uses it.
//! Worked out from the texts, when somebody wants to know: every string that names a record counts, also without its kind,
//! and in the words of a formula. What leads on by itself are scenes, classes and events, what is built in, and what says
//! that it is meant to be unused; designers' tests play with what there is and lead to nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Run;
use crate::assets::{
    AssetSources, ClassDef, EffectDef, Record, SceneDef, TestDef, WorldEventDef, core,
    kinds::KINDS,
    report::{Code, Findings},
    span::scan,
};

/// Kinds whose records are there for their own sake.
const ROOTS: [&str; 4] = [SceneDef::KIND, ClassDef::KIND, WorldEventDef::KIND, TestDef::KIND];
/// Most names that a message lists.
const NAMES_MAX: usize = 3;

/// Where a record was written.
struct Place {
    file: String,
    span: Range<usize>,
    id_span: Range<usize>,
}

/// Who refers to whom, by id.
#[derive(Default)]
struct Uses {
    places: BTreeMap<String, Place>,
    to: BTreeMap<String, BTreeSet<String>>,
    from: BTreeMap<String, BTreeSet<String>>,
    /// Who extends whom: child, then parent.
    heirs: BTreeSet<(String, String)>,
}

impl Uses {
    fn of(sources: &AssetSources) -> Self {
        let (mut uses, mut strings) = (Self::default(), Vec::new());
        for (path, text) in sources.iter().filter(|(path, _)| path.ends_with(".ron")) {
            let folder = path.split_once('/').map_or("", |(folder, _)| folder);
            if !KINDS.iter().any(|kind| kind.folder == folder) {
                continue;
            }
            for record in &scan(text).records {
                let Some(id_node) = record.node.at(text, "id") else { continue };
                let Some(id) = id_node.string(text).map(str::to_owned) else { continue };
                if let Some(parent) = record.node.at(text, "extends").and_then(|node| node.string(text)) {
                    uses.heirs.insert((id.clone(), parent.to_owned()));
                }
                let name = record.node.at(text, "name").map(|node| node.span.start);
                record.node.walk(&mut |node| {
                    let own = [Some(id_node.span.start), name].contains(&Some(node.span.start));
                    if let Some(string) = node.string(text).filter(|_| !own) {
                        strings.push((id.clone(), string.to_owned()));
                    }
                });
                let (span, id_span) = (record.node.span.clone(), id_node.span.clone());
                uses.places.entry(id).or_insert(Place { file: path.to_owned(), span, id_span });
            }
        }
        strings.iter().for_each(|(id, string)| uses.add_string(id, string));
        uses
    }

    /// Whatever a string of a record names.
    fn add_string(&mut self, from: &str, string: &str) {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_./".contains(c);
        for word in string.split(|c| !is_word(c)).filter(|word| !word.is_empty()) {
            // `target.armor` in a formula is the armour of somebody else.
            let own = word.rsplit('.').next().unwrap_or(word);
            let short = KINDS.iter().flat_map(|kind| [word, own].map(|name| format!("{}/{name}", kind.name)));
            for to in [word.to_owned()].into_iter().chain(short) {
                if to != from && self.places.contains_key(&to) {
                    self.to.entry(from.to_owned()).or_default().insert(to.clone());
                    self.from.entry(to).or_default().insert(from.to_owned());
                }
            }
        }
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

    fn users(&self, id: &str) -> impl Iterator<Item = &str> {
        self.from.get(id).into_iter().flatten().map(String::as_str)
    }

    /// Who refers to a record, the first of them with its place; without those that extend it and those that `told` names
    /// already.
    fn referrers(&self, id: &str, told: &str, findings: &Findings<'_>) -> Option<String> {
        let is_heir = |from: &str| self.heirs.contains(&(from.to_owned(), id.to_owned()));
        let mut news = self.users(id).filter(|from| !is_heir(from) && !told.contains(from));
        let first = news.next()?;
        let place = self.places.get(first).map(|place| findings.place(&place.file, place.span.start));
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        let others = list(news);
        let others = if others.is_empty() { others } else { format!(", {others}") };
        Some(format!("`{id}` is used by `{first}`{place}{others}"))
    }

    /// What nothing leads to, and what that alone leads to; of a ring its first member.
    fn dead(&self, is_root: impl Fn(&str) -> bool) -> Vec<(&str, Vec<&str>)> {
        let all = || self.places.keys().map(String::as_str);
        let alive = self.reach(all().filter(|id| is_root(id) && !is_test(id)));
        let dead: BTreeSet<&str> = all().filter(|id| !alive.contains(id) && !is_root(id)).collect();
        let is_below = |id: &str| self.users(id).any(|from| dead.contains(from));
        let (mut told, mut covered) = (Vec::new(), BTreeSet::new());
        for id in dead.iter().copied().filter(|id| !is_below(id)).chain(dead.iter().copied()) {
            if !covered.contains(id) {
                let below: Vec<&str> =
                    self.reach([id]).into_iter().filter(|other| dead.contains(other) && *other != id).collect();
                covered.extend(below.iter().copied().chain([id]));
                told.push((id, below));
            }
        }
        told
    }
}

fn is_test(id: &str) -> bool {
    id.split_once('/').is_some_and(|(kind, _)| kind == TestDef::KIND)
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
        let uses = Uses::of(self.sources);
        self.findings.add_help(|findings, fault| {
            let is_here = |place: &Place| place.file == fault.file && place.span.contains(&fault.span.start);
            let (id, _) = uses.places.iter().find(|(_, place)| is_here(place))?;
            let told = format!("{} {}", fault.message, fault.help.as_deref().unwrap_or_default());
            uses.referrers(id, &told, findings)
        });
    }

    /// Reports what nothing leads to, and what says so of itself without right.
    pub(super) fn warn_dead(&mut self) {
        let (uses, core) = (Uses::of(self.sources), core_ids());
        let is_root = |id: &str| {
            let kind = id.split_once('/').map_or("", |(kind, _)| kind);
            ROOTS.contains(&kind) || core.contains(id) || self.meant.contains(id) || self.abstracts.contains(id)
        };
        for (id, below) in uses.dead(is_root) {
            let Some(Place { file, id_span, .. }) = uses.places.get(id) else { continue };
            let (kind, _) = id.split_once('/').unwrap_or(("record", ""));
            // Effects that nobody names were told already.
            if kind == EffectDef::KIND && !self.referenced.contains(id) {
                continue;
            }
            let only =
                if uses.users(id).any(is_test) { "nothing but tests refers" } else { "nothing in the game leads" };
            let message = format!("{only} to {kind} `{id}`");
            let below = list(below.into_iter());
            let with = if below.is_empty() { below } else { format!("nor to {below}, which it leads to; ") };
            let help = format!("{with}say `unused: true` if that is meant");
            self.findings.add(Code::UnusedRecord, file, id_span.clone(), message).label("unused").help(help);
        }
        for id in &self.meant {
            let is_used = uses.users(id).any(|from| !is_test(from) && !self.meant.contains(from));
            let Some(Place { file, id_span, .. }) = uses.places.get(id).filter(|_| is_used) else { continue };
            let (kind, _) = id.split_once('/').unwrap_or(("record", ""));
            let message = format!("{kind} `{id}` says that it is unused, but it is not");
            let help = uses.referrers(id, "", &self.findings);
            self.findings.add(Code::UsedUnused, file, id_span.clone(), message).label("used").help(help);
        }
    }
}

/// The ids of what is built in: the program knows them by name.
fn core_ids() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (_, _, text) in core::FILES {
        let scanned = scan(text);
        let own = scanned.records.iter().filter_map(|record| record.node.at(text, "id")?.string(text));
        ids.extend(own.map(str::to_owned));
    }
    ids
}
