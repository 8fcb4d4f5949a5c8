//! Random edits of game data, of every kind: numbers change, records come under new names, are renamed and go again with
//! all that names them, spawners come and go; every tenth is wrong on purpose and every twentieth says what is said already.

use std::collections::BTreeMap;

use sim::assets::AssetSources;
use sim::ids::SimId;
use sim::random::{Draw, Random, Stream};

/// How many records the storm adds beside the real ones, at most, per kind.
const EXTRA_MAX: u32 = 8;
/// Folders whose records are changed, and the built-in text where the data has none of its own.
const FOLDERS: [(&str, &str); 20] = [
    ("ai", "core/ai.ron"),
    ("areas", ""),
    ("attributes", "core/attributes.ron"),
    ("classes", ""),
    ("combat", "core/combat.ron"),
    ("curves", "core/curves.ron"),
    ("diminishing", "core/diminishing.ron"),
    ("effects", ""),
    ("events", ""),
    ("factions", "core/factions.ron"),
    ("formulas", "core/formulas.ron"),
    ("items", ""),
    ("loots", ""),
    ("monsters", ""),
    ("movements", ""),
    ("projectiles", ""),
    ("scenes", ""),
    ("sets", ""),
    ("skills", ""),
    ("threats", "core/threats.ron"),
];
/// Folders whose records are copied under new names.
const COPIED: [&str; 13] = [
    "ai",
    "areas",
    "classes",
    "effects",
    "events",
    "factions",
    "items",
    "loots",
    "monsters",
    "movements",
    "projectiles",
    "sets",
    "skills",
];

/// What an edit is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Good data, as far as chance allows.
    Good,
    /// A file that is wrong.
    Bad,
    /// What is there already.
    Same,
}

pub(super) struct Edits {
    /// What the next edit is made against.
    pub(super) texts: AssetSources,
    /// Good edits and others, by what they changed.
    pub(super) by_folder: BTreeMap<&'static str, (u32, u32)>,
    random: Random,
    last: &'static str,
}

impl Edits {
    pub(super) fn new(texts: AssetSources, random: Random) -> Self {
        let by_folder = FOLDERS.iter().map(|(folder, _)| (*folder, (0, 0))).collect();
        Self { texts, by_folder, random, last: "" }
    }

    /// The texts with one more edit.
    pub(super) fn next(&mut self, tick: u32) -> (Sort, AssetSources) {
        let mut draw = self.random.draw(tick, SimId::from_bits(0), Stream("storm.edit"), 0);
        self.last = "";
        if tick.is_multiple_of(10) {
            return (Sort::Bad, self.spoiled(&mut draw));
        }
        if tick % 20 == 7 {
            return (Sort::Same, self.texts.clone());
        }
        (Sort::Good, self.edited(&mut draw))
    }

    /// Notes what became of the last edit.
    pub(super) fn settle(&mut self, applied: bool) {
        if let Some((good, other)) = self.by_folder.get_mut(self.last) {
            *(if applied { good } else { other }) += 1;
        }
    }

    /// A file that is wrong in one of many ways.
    fn spoiled(&self, draw: &mut Draw) -> AssetSources {
        let mut next = self.texts.clone();
        let files: Vec<_> = self.texts.iter().filter(|(path, _)| path.ends_with(".ron")).collect();
        let (path, text) = files[draw.below(files.len() as u32) as usize];
        let cut = draw.below(text.len() as u32 - 2) as usize + 1;
        let cut = (cut..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(1);
        let text = match draw.below(6) {
            0 => text[..cut].trim_end_matches([']', ')', ' ', '\n', ',']).to_owned() + " (",
            1 => text.replacen("id: \"", "id: \"bad ", 1),
            2 => text.replacen("id:", "idd:", 1),
            3 => text.replacen("id: \"", "no_such_field: 1, id: \"", 1),
            4 => format!("{text}\n(id: \"effect/second\")"),
            _ => format!("{text} ?"),
        };
        next.insert(path, text);
        next
    }

    fn edited(&mut self, draw: &mut Draw) -> AssetSources {
        let mut next = self.texts.clone();
        let extras = self.extras();
        let own = extras.get(draw.below(extras.len().max(1) as u32) as usize).copied();
        match (draw.below(20), own) {
            (10 | 11, _) => {
                self.last = ["classes", "monsters"][draw.below(2) as usize];
                if let Some((path, text)) = self.file_of(self.last, "", draw) {
                    next.insert(path, tougher(&text, draw));
                }
            }
            (12..=14, _) | (15.., None) => {
                let copied = COPIED[draw.below(COPIED.len() as u32) as usize];
                let number = draw.below(EXTRA_MAX);
                self.last = copied;
                if let Some((_, text)) = self.file_of(copied, "", draw)
                    && let Some(copy) = copy_of(&text, number, draw)
                {
                    next.insert(extra(copied, number), copy);
                }
            }
            // Somebody learns a skill of the storm.
            (15, Some((_, number))) => link(&mut next, number),
            // A name goes and another comes: to players that is a renamed record.
            (16, Some((folder, number))) => {
                self.last = folder;
                rename(&mut next, folder, number, (number + 1) % EXTRA_MAX);
            }
            (17.., Some((folder, number))) => {
                self.last = folder;
                take_out(&mut next, folder, number);
            }
            _ => {
                let (folder, built_in) = FOLDERS[draw.below(FOLDERS.len() as u32) as usize];
                self.last = folder;
                if let Some((path, text)) = self.file_of(folder, built_in, draw) {
                    let text = if folder == "scenes" { spawners(&text, draw) } else { another_number(&text, draw) };
                    next.insert(path, text);
                }
            }
        }
        next
    }

    /// The records of the storm that there are: folder and number.
    fn extras(&self) -> Vec<(&'static str, u32)> {
        let all = COPIED.iter().flat_map(|folder| (0..EXTRA_MAX).map(move |number| (*folder, number)));
        all.filter(|(folder, number)| self.texts.text(&extra(folder, *number)).is_some()).collect()
    }

    /// A file of a folder, or the built-in text under the path by which it is replaced.
    fn file_of(&self, folder: &str, built_in: &str, draw: &mut Draw) -> Option<(String, String)> {
        let inside = |path: &str| path.split_once('/').is_some_and(|(own, _)| own == folder);
        let mut files: Vec<(String, &str)> =
            self.texts.iter().filter(|(path, _)| inside(path)).map(|(path, text)| (path.to_owned(), text)).collect();
        let replaced = format!("{folder}/built_in.ron");
        if let Some(text) = self.texts.text(built_in).filter(|_| self.texts.text(&replaced).is_none()) {
            files.push((replaced, text));
        }
        let count = u32::try_from(files.len()).ok().filter(|count| *count > 0)?;
        let (path, text) = files.swap_remove(draw.below(count) as usize);
        Some((path, text.to_owned()))
    }
}

fn extra(folder: &str, number: u32) -> String {
    format!("{folder}/storm_{number}.ron")
}

/// The first part of the ids in a file.
fn kind_in(text: &str) -> Option<&str> {
    text.split_once("id: \"").and_then(|(_, rest)| rest.split_once('/')).map(|(kind, _)| kind)
}

/// A class knows one more skill.
fn link(texts: &mut AssetSources, number: u32) {
    let name = format!("\"skill/storm_{number}\", ");
    let Some(text) = texts.text("classes/classes.ron") else { return };
    if texts.text(&extra("skills", number)).is_some() && !text.contains(&name) {
        let text = text.replacen("skills: [", &format!("skills: [{name}"), 1);
        texts.insert("classes/classes.ron", text);
    }
}

fn rename(texts: &mut AssetSources, folder: &str, from: u32, to: u32) {
    let Some(text) = texts.text(&extra(folder, from)).map(str::to_owned) else { return };
    let Some(kind) = kind_in(&text).map(str::to_owned) else { return };
    let (old, new) = (format!("\"{kind}/storm_{from}\""), format!("\"{kind}/storm_{to}\""));
    texts.remove(&extra(folder, from));
    texts.insert(extra(folder, to), text);
    replace_all(texts, &old, &new);
}

/// A record goes, with whatever lists name it.
fn take_out(texts: &mut AssetSources, folder: &str, number: u32) {
    let Some(kind) = texts.text(&extra(folder, number)).and_then(kind_in).map(str::to_owned) else { return };
    texts.remove(&extra(folder, number));
    replace_all(texts, &format!("\"{kind}/storm_{number}\", "), "");
}

fn replace_all(texts: &mut AssetSources, old: &str, new: &str) {
    let naming = texts.iter().filter(|(_, text)| text.contains(old));
    let changed: Vec<_> = naming.map(|(path, text)| (path.to_owned(), text.replace(old, new))).collect();
    changed.into_iter().for_each(|(path, text)| texts.insert(path, text));
}

/// A spawner comes, goes, or has another count.
fn spawners(text: &str, draw: &mut Draw) -> String {
    const MARK: &str = "spawners: [";
    let Some(at) = text.find(MARK).map(|at| at + MARK.len()) else { return text.to_owned() };
    let number = draw.below(4);
    let (start, end) = (format!("(id: \"spawner/storm_{number}\""), "count: 2),");
    if let Some(from) = text.find(&start) {
        let to = from + text[from..].find(end).map_or(0, |length| length + end.len());
        return format!("{}{}", &text[..from], &text[to..]);
    }
    if draw.below(2) == 0 {
        let (x, z) = (draw.between(20, 40), draw.between(20, 40));
        let monster = ["field_rat", "boar"][draw.below(2) as usize];
        let line = format!("{start}, monster: \"monster/{monster}\", at: ({x}, {z}), radius_m: 6, {end}");
        return format!("{}\n    {line}{}", &text[..at], &text[at..]);
    }
    let counts: Vec<usize> = text[at..].match_indices("count: ").map(|(from, word)| at + from + word.len()).collect();
    let Some(&from) = counts.get(draw.below(counts.len().max(1) as u32) as usize) else { return text.to_owned() };
    let to = from + text[from..].bytes().take_while(u8::is_ascii_digit).count();
    format!("{}{}{}", &text[..from], draw.between(1, 7), &text[to..])
}

/// Somebody's greatest hit points change by up to a third.
fn tougher(text: &str, draw: &mut Draw) -> String {
    const MARK: &str = "\"hp_max\": ";
    let places: Vec<usize> = text.match_indices(MARK).map(|(at, _)| at + MARK.len()).collect();
    let Some(&at) = places.get(draw.below(places.len().max(1) as u32) as usize) else { return text.to_owned() };
    let Some(start) = text[at..].find(|letter: char| letter.is_ascii_digit()).map(|start| at + start) else {
        return text.to_owned();
    };
    let length = text[start..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'_').count();
    let number: i64 = text[start..start + length].replace('_', "").parse().unwrap_or(100);
    let changed = (number * i64::from(draw.between(70, 140)) / 100).clamp(50, 100_000);
    format!("{}{changed}{}", &text[..start], &text[start + length..])
}

/// The text with one of its whole numbers a little larger or smaller; durations stay multiples of the tick.
fn another_number(text: &str, draw: &mut Draw) -> String {
    let bytes = text.as_bytes();
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let starts: Vec<usize> = (1..bytes.len())
        .filter(|&at| bytes[at].is_ascii_digit() && matches!(bytes[at - 1], b' ' | b'('))
        .filter(|&at| bytes[at..].iter().find(|byte| !is_number(**byte)).is_none_or(|byte| *byte != b'.'))
        .collect();
    if starts.is_empty() {
        return text.to_owned();
    }
    let start = starts[draw.below(starts.len() as u32) as usize];
    let end = start + bytes[start..].iter().take_while(|byte| is_number(**byte)).count();
    let number: i64 = text[start..end].replace('_', "").parse().unwrap_or(0);
    let step = if number >= 50 && number % 50 == 0 { 50 } else { 1 };
    let change = step * [-2, -1, 1, 2][draw.below(4) as usize];
    format!("{}{}{}", &text[..start], (number + change).max(0), &text[end..])
}

/// One record of a file under a name of the storm.
fn copy_of(text: &str, number: u32, draw: &mut Draw) -> Option<String> {
    let records = records(text);
    let record = records.get(draw.below(records.len().max(1) as u32) as usize)?;
    let at = record.find("id: \"")? + "id: \"".len();
    let slash = at + record[at..].find('/')?;
    let end = at + record[at..].find('"')?;
    Some(format!("{}/storm_{number}{}", &record[..slash], &record[end..]))
}

/// The records of a file: what stands in parentheses at the top, or in the list at the top.
fn records(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    let (mut in_string, mut in_comment) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => in_comment = false,
            _ if in_comment => {}
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'/' if text[at..].starts_with("//") => in_comment = true,
            b'(' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    found.push(&text[start..=at]);
                }
            }
            _ => {}
        }
    }
    found
}
