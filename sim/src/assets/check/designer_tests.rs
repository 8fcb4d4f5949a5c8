//! The rules of designers' tests: units that exist and are told apart, times within the run, orders only to players.

use super::{Check, Checker};
use crate::assets::designer_tests::{Aim, Deed, Expectation, GivenUnit, TestDef, UnitKind};
use crate::assets::report::{Code, nearest};
use crate::tick::TICK_MS;

/// Most units, deeds and expectations of one test.
const PARTS_MAX: usize = 40;
/// Longest test: ten minutes.
const RUN_MS_MAX: i64 = 600_000;
/// How far from the middle anything of a test may be, in metres.
const PLACE_M_MAX: f32 = 100.0;
/// Highest level.
const LEVEL_MAX: i64 = 100;

impl Check for TestDef {
    fn check(&self, check: &mut Checker<'_, '_>) {
        check.duration("run_ms", self.run_ms, i64::from(TICK_MS)..=RUN_MS_MAX);
        let counts = [("given", self.given.len()), ("do", self.deeds.len()), ("expect", self.expect.len())];
        for (field, count) in counts {
            check.whole(field, i64::try_from(count).unwrap_or(i64::MAX), 0..=PARTS_MAX as i64);
        }
        if self.expect.is_empty() && check.is_original("expect") {
            check.pointless("expect", "expects nothing");
        }
        self.check_given(check);
        self.check_deeds(check);
        for (index, expectation) in self.expect.iter().enumerate() {
            let path = format!("expect.{index}");
            self.check_units(&expectation.units(), &path, check);
            if let Some((field, ms)) = expectation.time_ms() {
                check.duration(&format!("{path}.{field}"), ms, 0..=i64::from(self.run_ms));
            }
            check_ranges(expectation, &path, check);
        }
    }
}

impl TestDef {
    fn check_given(&self, check: &mut Checker<'_, '_>) {
        for (index, given) in self.given.iter().enumerate() {
            let path = format!("given.{index}");
            let again = self.given[..index].iter().position(|other| other.unit == given.unit);
            if let Some(first) = again {
                let first = check.node(&format!("given.{first}.unit")).map_or(0, |node| node.span.start);
                let place = check.findings.place(check.file, first);
                let message = format!("{} has the unit `{}` twice", check.title, given.unit);
                if let Some(note) = check.report(Code::DuplicateLocalId, &format!("{path}.unit"), message) {
                    note.label("again").help(format!("the first one is at {place}"));
                }
            }
            check_place(given.at, &format!("{path}.at"), check);
            check.float(&format!("{path}.yaw_deg"), given.yaw_deg, -360.0..=360.0);
            check.whole(&format!("{path}.hp_pct"), given.hp_pct, 1..=100);
            if let Some(level) = given.level {
                check.whole(&format!("{path}.level"), level, 1..=LEVEL_MAX);
            }
        }
    }

    fn check_deeds(&self, check: &mut Checker<'_, '_>) {
        for (index, timed) in self.deeds.iter().enumerate() {
            let path = format!("do.{index}");
            check.duration(&format!("{path}.at_ms"), timed.at_ms, 0..=i64::from(self.run_ms));
            let path = format!("{path}.do");
            self.check_units(&timed.deed.units(), &path, check);
            match &timed.deed {
                Deed::Walk { to, .. } => check_place(*to, &format!("{path}.to"), check),
                Deed::Place { at, .. } => check_place(*at, &format!("{path}.at"), check),
                Deed::Cast { target: Aim::Ground(x, z), .. } => {
                    check_place((*x, *z), &format!("{path}.target"), check);
                }
                Deed::SetHp { pct, .. } => check.whole(&format!("{path}.pct"), *pct, 1..=100),
                _ => {}
            }
            if timed.deed.is_a_players() {
                self.check_player(&timed.deed, &path, check);
            }
        }
    }

    /// Only a player's client asks; who is played by a tree decides for itself.
    fn check_player(&self, deed: &Deed, path: &str, check: &mut Checker<'_, '_>) {
        let Some(&(field, unit)) = deed.units().first() else { return };
        let Some(given) = self.unit(unit) else { return };
        if !matches!(given.is, UnitKind::Player(_)) {
            let message = format!("{} gives an order to `{unit}`, which is no player", check.title);
            if let Some(note) = check.report(Code::TestOrder, &format!("{path}.{field}"), message) {
                note.label("decides for itself").help("only a unit given as `Player(..)` takes orders".to_owned());
            }
        }
    }

    fn check_units(&self, named: &[(&'static str, &str)], path: &str, check: &mut Checker<'_, '_>) {
        for (field, unit) in named {
            if self.unit(unit).is_none() {
                let names = self.given.iter().map(|given| given.unit.as_str());
                let help = match nearest(unit, names.clone()) {
                    Some(candidate) => format!("did you mean \"{candidate}\"?"),
                    None => format!("its units are {}", names.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("{} has no unit `{unit}`", check.title);
                if let Some(note) = check.report(Code::TestUnit, &format!("{path}.{field}"), message) {
                    note.label("not given").help(help);
                }
            }
        }
    }

    /// The unit called so.
    pub(crate) fn unit(&self, name: &str) -> Option<&GivenUnit> {
        self.given.iter().find(|given| given.unit == name)
    }
}

fn check_place(at: (f32, f32), path: &str, check: &mut Checker<'_, '_>) {
    check.point(path, [at.0, at.1], -PLACE_M_MAX..=PLACE_M_MAX);
}

fn check_ranges(expectation: &Expectation, path: &str, check: &mut Checker<'_, '_>) {
    match expectation {
        Expectation::HasEffect { stacks, .. } => {
            check.ordered(&format!("{path}.stacks"), *stacks);
            check.whole(&format!("{path}.stacks.0"), stacks.0, 1..=i64::from(u32::MAX));
        }
        Expectation::Hp { pct, .. } => {
            check.ordered(&format!("{path}.pct"), *pct);
            check.whole(&format!("{path}.pct.1"), pct.1, 0..=100);
        }
        Expectation::Mana { points, .. } | Expectation::Damages { points, .. } => {
            check.ordered(&format!("{path}.points"), *points);
        }
        Expectation::Attribute { value: (least, most), .. } if least > most => {
            let message = format!("the least value {least} is above the greatest {most}");
            check.contradiction(&format!("{path}.value.0"), &format!("{path}.value.1"), message);
        }
        Expectation::Casts { times, .. } => check.ordered(&format!("{path}.times"), *times),
        Expectation::Count { alive, .. } => check.ordered(&format!("{path}.alive"), *alive),
        Expectation::Near { within_m: metres, .. } => check.float(&format!("{path}.within_m"), *metres, 0.0..=300.0),
        Expectation::Far { beyond_m: metres, .. } => check.float(&format!("{path}.beyond_m"), *metres, 0.0..=300.0),
        _ => {}
    }
}
