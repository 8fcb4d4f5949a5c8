//! Rings that cannot be gone through: skills of which each needs another done before, and monsters that summon one another
//! without end. Each ring is told once, at the first of its members.

use std::collections::{BTreeMap, BTreeSet};

use super::Checker;
use crate::assets::{Deed, MonsterDef, Record, SkillDef, kinds::Records, report::Code};

/// The way from a name back to itself, if there is one; of several the shortest.
pub(super) fn ring<'r>(start: &'r str, next: impl Fn(&'r str) -> Vec<&'r str>) -> Option<Vec<&'r str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open: Vec<&str> = vec![start];
    while !open.is_empty() {
        let mut further = Vec::new();
        for at in open {
            for to in next(at) {
                if to == start {
                    let mut way: Vec<&str> = std::iter::successors(Some(at), |at| before.get(at).copied()).collect();
                    way.reverse();
                    way.push(start);
                    return Some(way);
                }
                if let std::collections::btree_map::Entry::Vacant(entry) = before.entry(to) {
                    entry.insert(at);
                    further.push(to);
                }
            }
        }
        open = further;
    }
    None
}

/// Whether a ring is to be told here.
fn is_first(ring: &[&str]) -> bool {
    ring.first() == ring.iter().min()
}

/// A skill that needs another before it must not be needed by that, over however many steps.
pub(super) fn check_combos(skill: &SkillDef, records: &Records, check: &mut Checker<'_, '_>) {
    let needs = |name: &str| {
        let def = records.skills.iter().find(|other| other.id() == name);
        let combo = def.and_then(|def| def.requires.combo.as_ref()).filter(|combo| combo.bonus_pct.is_none());
        combo.map(|combo| combo.after.name()).into_iter().collect()
    };
    if let Some(ring) = ring(skill.id(), needs).filter(|ring| is_first(ring)) {
        let message = format!("{} can never be used: it needs a skill before it that needs it in the end", check.title);
        if let Some(note) = check.report(Code::ComboRing, "requires.combo.after", message) {
            let help = format!("the way is {}; a step with `bonus_pct` can be left out", ring.join(" > "));
            note.label("needed first").help(help);
        }
    }
}

/// A monster must not summon what summons it in the end: each of its adds would do so anew.
pub(super) fn check_summons(monster: &MonsterDef, records: &Records, check: &mut Checker<'_, '_>) {
    let summons = |name: &str| {
        let def = records.monsters.iter().find(|other| other.id() == name);
        def.map(|def| summoned(def, records).into_iter().collect()).unwrap_or_default()
    };
    if let Some(ring) = ring(monster.id(), summons).filter(|ring| is_first(ring)) {
        let message = format!("{} summons itself in the end, and every add does so anew", check.title);
        if let Some(note) = check.report(Code::SummonRing, "ai", message) {
            note.label("without end").help(format!("the way is {}", ring.join(" > ")));
        }
    }
}

/// What a monster summons, by its trees and as its phases begin.
fn summoned<'r>(monster: &'r MonsterDef, records: &'r Records) -> BTreeSet<&'r str> {
    let name = |deed: &'r Deed| match deed {
        Deed::Summon { monster, .. } => Some(monster.name()),
        _ => None,
    };
    let trees = monster.phases.iter().filter_map(|phase| phase.ai.as_ref()).chain([&monster.ai]);
    let trees = trees.filter_map(|tree| records.ai.get(tree.found()?));
    let by_trees = trees.flat_map(|tree| tree.tree().deeds()).filter_map(name);
    by_trees.chain(monster.phases.iter().flat_map(|phase| &phase.deeds).filter_map(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::ring;

    #[test]
    fn the_shortest_way_back_is_found_and_none_where_there_is_none() {
        let next = |at: &str| match at {
            "a" => vec!["b", "c"],
            "b" => vec!["c"],
            "c" => vec!["d", "a"],
            "d" => vec!["d"],
            _ => vec![],
        };
        assert_eq!(ring("a", next), Some(vec!["a", "c", "a"]));
        assert_eq!(ring("d", next), Some(vec!["d", "d"]));
        assert_eq!(ring("e", next), None);
        assert_eq!(ring("b", next), Some(vec!["b", "c", "a", "b"]));
    }
}
