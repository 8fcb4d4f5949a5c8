//! The rules of the tables of interruptions: every cell is there, none is hidden behind another, and none says what cannot
//! be. And of skills that override cells: by one word, not by two that contradict each other.

use super::{Check, Checker};
use crate::assets::kinds::Records;
use crate::assets::report::Code;
use crate::assets::{
    CastKind, CastMove, Cell, Disturbance, InterruptDef, InterruptRow, Lockout, SkillDef, TagId, TagSet,
};

/// Longest lockout.
const LOCKOUT_MS_MAX: i64 = 60_000;

impl Check for InterruptDef {
    fn check(&self, _: &mut Checker<'_, '_>) {}

    fn check_among(&self, _: &Records, check: &mut Checker<'_, '_>) {
        for (index, row) in self.rows.iter().enumerate() {
            for &by in Disturbance::ALL {
                let Some(cell) = row.cells.of(by) else { continue };
                let path = format!("rows.{index}.cells.{}", by.name());
                check_cell(cell, by, &path, check);
                let charges = CastKind::ALL.iter().all(|&kind| row.concerns(kind) == (kind == CastKind::Charge));
                if charges && matches!(cell, Cell::Pushback { .. }) {
                    check.contradiction(&path, &path, "a `Charge` has no end that could be pushed back".to_owned());
                }
                self.check_hidden(index, row, by, &path, check);
            }
        }
        if check.is_original("rows") {
            self.check_complete(check);
        }
    }
}

impl InterruptDef {
    /// A cell that earlier rows leave nothing to.
    fn check_hidden(&self, index: usize, row: &InterruptRow, by: Disturbance, path: &str, check: &mut Checker<'_, '_>) {
        let covers = |earlier: &InterruptRow, kind| {
            earlier.cells.of(by).is_some() && earlier.concerns(kind) && row.tags.set().contains_all(earlier.tags.set())
        };
        let own = || CastKind::ALL.iter().filter(|&&kind| row.concerns(kind));
        let hidden = own().all(|&kind| self.rows[..index].iter().any(|earlier| covers(earlier, kind)));
        if hidden {
            let message = format!("{} says what `{}` does in an earlier row already", check.title, by.name());
            if let Some(note) = check.report(Code::NeverHappens, path, message) {
                note.label("never asked")
                    .help("the first row that says something counts: put this one before it".to_owned());
            }
        }
    }

    fn check_complete(&self, check: &mut Checker<'_, '_>) {
        for kind in CastKind::ALL {
            let missing = |by: &&Disturbance| self.said(kind, &TagSet::EMPTY, **by).is_none();
            let missing: Vec<String> =
                Disturbance::ALL.iter().filter(missing).map(|by| format!("`{}`", by.name())).collect();
            if missing.is_empty() {
                continue;
            }
            let message =
                format!("{} does not say what becomes of a {} by {}", check.title, kind.name(), missing.join(", "));
            if let Some(note) = check.report(Code::TableIncomplete, "rows", message) {
                note.label("incomplete").help("a row without `tags` must say it".to_owned());
            }
        }
    }
}

fn check_cell(cell: Cell, by: Disturbance, path: &str, check: &mut Checker<'_, '_>) {
    match cell {
        Cell::Pushback { ms, max } => {
            if !by.pushes() {
                let message =
                    format!("`{}` can end what is under way or leave it alone, but not push it back", by.name());
                check.contradiction(path, path, message);
            } else if (ms, max) != (0, 0) {
                check.whole(&format!("{path}.ms"), ms, 1..=10_000);
                check.whole(&format!("{path}.max"), max, 1..=20);
            }
        }
        Cell::Interrupt { lockout: Lockout::Ms(ms), .. } => {
            check.duration(&format!("{path}.lockout.0"), ms, 50..=LOCKOUT_MS_MAX);
        }
        _ => {}
    }
    if by.is_final() && !cell.ends() {
        let message = format!("nothing goes on when its caster `{}`: it must be `Interrupt` or `Cancel`", by.name());
        check.contradiction(path, path, message);
    }
}

/// What a skill says of cells, by their names and by the fields that are short for them.
pub(super) fn check_overrides(skill: &SkillDef, check: &mut Checker<'_, '_>) {
    for &by in Disturbance::ALL {
        let Some(cell) = skill.interrupts.of(by) else { continue };
        let path = format!("interrupts.{}", by.name());
        check_cell(cell, by, &path, check);
        if skill.cast.kind().is_none() {
            let message =
                format!("{} says what `{}` does to it, but it is instant and never under way", check.title, by.name());
            check.report(Code::NeverHappens, &path, message);
            continue;
        }
        if skill.cast.kind() == Some(CastKind::Charge) && matches!(cell, Cell::Pushback { .. }) {
            check.contradiction(&path, "cast", "a `Charge` has no end that could be pushed back".to_owned());
        }
        if let Some((field, false)) = short(skill, by, cell) {
            let says = if cell == Cell::Nothing { "left alone".to_owned() } else { cell.in_words() };
            let name = by.name();
            let message = format!("{} is `{says}` when `{name}`, but its `{field}` says otherwise", check.title);
            check.contradiction(&path, field, message);
        }
    }
    for (index, tag) in skill.stopped_by.iter().flat_map(|list| list.iter()).enumerate() {
        if [TagId::CASTING, TagId::CHANNELLING].contains(&tag.id()) {
            let path = format!("stopped_by.{index}");
            check.contradiction(&path, &path, format!("`{}` would end it as soon as it begins", tag.name()));
        }
    }
}

/// The field that is short for a cell, if the skill has written it, and whether the two agree.
fn short(skill: &SkillDef, by: Disturbance, cell: Cell) -> Option<(&'static str, bool)> {
    match by {
        Disturbance::Moves => Some(("cast.move", cell.ends() == (skill.cast.movement()? == CastMove::Cancels))),
        Disturbance::Kicked => Some(("cast.interruptible", cell.ends() == skill.cast.interruptible()?)),
        Disturbance::Damaged => {
            skill.cast.pushback()?;
            Some(("cast.pushback", matches!(cell, Cell::Pushback { ms: 0, .. })))
        }
        _ => {
            let (state, list) = (by.state()?, skill.stopped_by.as_ref()?);
            Some(("stopped_by", cell.ends() == list.set().has(state)))
        }
    }
}
