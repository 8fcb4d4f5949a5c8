//! What a checker of records can say: a number out of range, a partial tick, values that contradict each other.
//! Every method takes the path of the value and finds its place in the text; what stands there only because the loader
//! replaced something is not judged. The rules themselves are in `records` and `scenes`.

use std::{fmt::Display, ops::RangeInclusive};

use super::{
    kinds::Records,
    repair::{Places, blame},
    report::{Code, Findings, Note},
    span::{Node, ScannedRecord},
};
use crate::tick::TICK_MS;

mod actions;
mod ai;
mod attributes;
mod combat;
mod curves;
mod designer_tests;
mod effects;
mod events;
mod formulas;
mod interrupts;
mod items;
mod killable;
mod loot;
mod monsters;
mod navigation;
mod patrols;
mod records;
mod rings;
mod scenes;
mod skills;
mod spawners;
mod tags;

pub(crate) use ai::compile_ai;
pub(crate) use attributes::check_table;
pub(crate) use curves::fill_curve;
pub(crate) use formulas::{FormulaNames, check_circles, fill_derived, fill_formula};
pub use navigation::SceneGround;
pub(crate) use navigation::check_navigation;
pub(crate) use scenes::{fill_heights, is_id};
pub(crate) use tags::{TagMentions, check_tags};

/// A record that knows its own rules.
pub(crate) trait Check {
    /// Reports everything about this record that `serde` cannot see.
    fn check(&self, check: &mut Checker<'_, '_>);

    /// Reports everything that shows only beside other records; those that could not be read are missing there.
    fn check_among(&self, _records: &Records, _check: &mut Checker<'_, '_>) {}
}

/// Reports about one record.
pub(crate) struct Checker<'f, 's> {
    pub(crate) findings: &'f mut Findings<'s>,
    pub(crate) file: &'f str,
    pub(crate) text: &'f str,
    pub(crate) record: &'f ScannedRecord,
    pub(crate) places: &'f Places,
    /// `skill "skill/fireball"`, for messages.
    pub(crate) title: String,
}

impl<'f> Checker<'f, '_> {
    /// Reports `message` at `path`, unless what stands there is a replacement.
    pub(crate) fn report(&mut self, code: Code, path: &str, message: String) -> Option<Note<'_>> {
        let in_text = self.places.in_text(path);
        if self.places.is_replaced(&in_text) {
            return None;
        }
        let node = self.record.node.nearest(self.text, &in_text);
        Some(self.findings.add(code, self.file, node.mark(), message))
    }

    /// The piece of text at `path`, if the text has it.
    pub(crate) fn node(&self, path: &str) -> Option<&'f Node> {
        self.record.node.at(self.text, &self.places.in_text(path))
    }

    /// Whether the value at `path` comes from the text and not from a repair.
    pub(crate) fn is_original(&self, path: &str) -> bool {
        !self.places.is_replaced(&self.places.in_text(path))
    }

    /// A whole number must be in `range`.
    pub(crate) fn whole(&mut self, path: &str, value: impl Into<i64>, range: RangeInclusive<i64>) {
        let value = value.into();
        if !range.contains(&value) {
            self.out_of_range(path, value, range.start(), range.end());
        }
    }

    /// A number must be finite and in `range`.
    pub(crate) fn float(&mut self, path: &str, value: f32, range: RangeInclusive<f32>) {
        if !value.is_finite() {
            let message = format!("{} is {value}, but must be a finite number", blame::field_name(path));
            if let Some(note) = self.report(Code::NotFinite, path, message) {
                note.label("not finite");
            }
        } else if !range.contains(&value) {
            self.out_of_range(path, value, range.start(), range.end());
        }
    }

    /// Each number of a place must be finite and in `range`.
    pub(crate) fn point<const N: usize>(&mut self, path: &str, values: [f32; N], range: RangeInclusive<f32>) {
        for (index, value) in values.into_iter().enumerate() {
            self.float(&format!("{path}.{index}"), value, range.clone());
        }
    }

    /// A duration must be in `range_ms` and a whole number of ticks.
    pub(crate) fn duration(&mut self, path: &str, ms: u32, range_ms: RangeInclusive<i64>) {
        self.whole(path, ms, range_ms);
        if !ms.is_multiple_of(TICK_MS) {
            let below_ms = ms - ms % TICK_MS;
            let nearest_ms = if ms % TICK_MS < TICK_MS / 2 { below_ms } else { below_ms.saturating_add(TICK_MS) };
            let message =
                format!("{} is {ms} ms, but must be a multiple of the {TICK_MS} ms tick", blame::field_name(path));
            if let Some(note) = self.report(Code::PartialTick, path, message) {
                note.label("not a whole number of ticks").help(format!("the nearest is {nearest_ms}"));
            }
        }
    }

    /// A chance must be from 0 to 10,000 basis points.
    pub(crate) fn chance(&mut self, path: &str, chance_bp: u32) {
        self.whole(path, chance_bp, 0..=10_000);
    }

    /// The first of two whole numbers must not exceed the second.
    pub(crate) fn ordered(&mut self, path: &str, (least, most): (u32, u32)) {
        if least > most {
            let message = format!(
                "{} goes from {least} to {most}, but the least must not exceed the most",
                blame::field_name(path)
            );
            if let Some(note) = self.report(Code::Contradiction, path, message) {
                note.label("least first, then most");
            }
        }
    }

    /// Reports two values that contradict each other, unless one of them is a replacement.
    pub(crate) fn contradiction(&mut self, path: &str, other: &str, message: String) {
        if self.is_original(other) {
            self.report(Code::Contradiction, path, message);
        }
    }

    /// Text that players read must be there and short enough for a line.
    pub(crate) fn name(&mut self, name: &str) {
        let count = name.chars().count();
        if !(1..=64).contains(&count) {
            let message = format!("`name` has {count} characters, but must have 1 to 64");
            self.report(Code::OutOfRange, "name", message);
        }
    }

    /// A record that could never do anything.
    pub(crate) fn pointless(&mut self, path: &str, message: &str) {
        let message = format!("{} {message}", self.title);
        self.report(Code::Pointless, path, message);
    }

    fn out_of_range(&mut self, path: &str, value: impl Display, min: impl Display, max: impl Display) {
        let unit = blame::unit_of(path);
        let message = format!("{} is {value}, but must be from {min} to {max}{unit}", blame::field_name(path));
        if let Some(note) = self.report(Code::OutOfRange, path, message) {
            note.label("out of range");
        }
    }
}
