//! Taps: who has hurt a monster, and whose its kill is therefore. Resolve, right after the combat loop: damage done by
//! players, and by what was summoned by them, goes onto the monster's list; a monster that has given up forgets.
//!
//! Whose a kill is, is a rule of the combat profile or of the monster: whoever hurt it first, most, or last; by default
//! the first, as is the custom. Parties count as one. `progress` and `loot` ask here and nowhere else.

use bevy_app::App;
use bevy_ecs::prelude::*;
use smallvec::SmallVec;

use crate::assets::{CombatDef, KillShare, MonsterDef, TapOwner, TapRules};
use crate::counters::Counters;
use crate::digest::{Digest, DigestApp, Digester};
use crate::features::buffs::BuffSystems;
use crate::features::combat::HealthChanged;
use crate::features::monsters::{Brain, Mood, Species, Summoned};
use crate::features::party::Parties;
use crate::features::players::Player;
use crate::features::skills::SkillSystems;
use crate::ids::{PlayerId, SimId};
use crate::roster::Roster;
use crate::tick::Tick;

/// Players on one list; who comes when it is full counts for the whole only, which is counted.
pub const DAMAGERS_MAX: usize = 64;
/// Damage whose player a list had no room for, by reason.
pub const TAP_REFUSED: &str = "tap_refused_total";
/// How many owners of owners are asked for the player behind something summoned.
const OWNERS_MAX: usize = 4;

/// The list of one monster, in points of damage. Written in the Resolve stage.
#[derive(Component, Debug, Clone, PartialEq, Eq, Default)]
pub struct DamageList {
    /// Players in the order in which they hurt it first.
    entries: SmallVec<[(PlayerId, u64); 2]>,
    last: Option<PlayerId>,
    total: u64,
}

/// A part in a kill: of a player and its party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// One of them who is there.
    pub by: PlayerId,
    /// Their part of the whole,
    pub part: u64,
    /// which is this, from 1.
    pub whole: u64,
}

/// Taps' place in the Resolve stage.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TapSystems {
    /// The damage of the tick goes onto the lists.
    Note,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.register_required_components::<Species, DamageList>();
    app.configure_sets(Tick, TapSystems::Note.after(SkillSystems::Follow).before(BuffSystems::Change));
    app.add_systems(Tick, (forget, note_damage).chain().in_set(TapSystems::Note));
    app.digest_component::<DamageList>("taps");
}

/// The rules of a monster's kill: its own, else those of the scene's profile.
#[must_use]
pub fn rules_of(monster: Option<&MonsterDef>, profile: &CombatDef) -> TapRules {
    monster.and_then(|monster| monster.tap).unwrap_or(profile.tap)
}

impl DamageList {
    /// Adds damage of a player, or of nobody's; false when there was no room for the player.
    pub fn add(&mut self, player: Option<PlayerId>, points: u64) -> bool {
        self.total = self.total.saturating_add(points);
        let Some(player) = player.filter(|_| points > 0) else { return true };
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.0 == player) {
            entry.1 = entry.1.saturating_add(points);
        } else if self.entries.len() < DAMAGERS_MAX {
            self.entries.push((player, points));
        } else {
            return false;
        }
        self.last = Some(player);
        true
    }

    /// Who has hurt it and how much, in the order of their first blows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (PlayerId, u64)> {
        self.entries.iter().copied()
    }

    /// Damage in all, nobody's too.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The player by whom all whose kill it is are found (its party): the first with one who counts by `counts`.
    #[must_use]
    pub fn owner(&self, rule: TapOwner, parties: &Parties, counts: impl Fn(PlayerId) -> bool) -> Option<PlayerId> {
        let mut companies = self.companies(parties);
        match rule {
            TapOwner::FirstHit => {}
            // Stable: of equals the first to have hurt it stays in front.
            TapOwner::MostDamage => companies.sort_by_key(|&(_, damage)| std::cmp::Reverse(damage)),
            TapOwner::LastHit => {
                let is_last = |player| self.last.is_some_and(|last| parties.are_together(last, player));
                companies.sort_by_key(|&(player, _)| !is_last(player));
            }
        }
        companies.into_iter().find_map(|(player, _)| representative(player, parties, &counts))
    }

    /// What everyone's part is by the rules: all of it its owners', or each party's by the damage it did.
    #[must_use]
    pub fn claims(&self, rules: TapRules, parties: &Parties, counts: impl Fn(PlayerId) -> bool) -> Vec<Claim> {
        match rules.experience {
            KillShare::Owner => {
                let owner = self.owner(rules.owner, parties, counts);
                owner.map(|by| Claim { by, part: 1, whole: 1 }).into_iter().collect()
            }
            KillShare::ByDamage => {
                let whole = self.total.max(1);
                let companies = self.companies(parties).into_iter();
                let claim = |(player, part)| Some(Claim { by: representative(player, parties, &counts)?, part, whole });
                companies.filter_map(claim).collect()
            }
        }
    }

    /// One player of each party, or on its own, with what all of them did, in the order of their first blows.
    fn companies(&self, parties: &Parties) -> Vec<(PlayerId, u64)> {
        let mut companies: Vec<(PlayerId, u64)> = Vec::new();
        for &(player, damage) in &self.entries {
            match companies.iter_mut().find(|(other, _)| parties.are_together(*other, player)) {
                Some((_, sum)) => *sum = sum.saturating_add(damage),
                None => companies.push((player, damage)),
            }
        }
        companies
    }
}

/// The player itself if it counts, else the first of its party who does.
fn representative(player: PlayerId, parties: &Parties, counts: impl Fn(PlayerId) -> bool) -> Option<PlayerId> {
    let company = || parties.company_of(player).into_iter();
    std::iter::once(player).chain(company()).find(|&member| counts(member))
}

/// A monster that has given up belongs to nobody any more.
fn forget(mut monsters: Query<(&Brain, &mut DamageList), Changed<Brain>>) {
    for (brain, mut list) in &mut monsters {
        if matches!(brain.mood, Mood::Evading { .. } | Mood::Arrived) {
            list.set_if_neq(DamageList::default());
        }
    }
}

fn note_damage(
    roster: Res<Roster>,
    mut log: MessageReader<HealthChanged>,
    mut lists: Query<&mut DamageList>,
    (players, summoned): (Query<&Player>, Query<&Summoned>),
    mut counters: ResMut<Counters>,
) {
    let player_behind = |source: SimId| {
        let mut id = source;
        for _ in 0..OWNERS_MAX {
            let entity = roster.entity(id)?;
            if let Ok(player) = players.get(entity) {
                return Some(player.id);
            }
            id = summoned.get(entity).ok()?.by;
        }
        None
    };
    for entry in log.read().filter(|entry| entry.is_deed() && entry.amount < 0) {
        let found = roster.entity(entry.target).and_then(|entity| lists.get_mut(entity).ok());
        let Some(mut list) = found.filter(|_| entry.source != entry.target) else { continue };
        if !list.add(player_behind(entry.source), u64::from(entry.amount.unsigned_abs())) {
            counters.add(TAP_REFUSED, "full");
        }
    }
}

impl Digest for DamageList {
    fn digest(&self, digester: &mut Digester) {
        for &(player, damage) in &self.entries {
            digester.u64(player.0);
            digester.u64(damage);
        }
        digester.u64(self.last.map_or(0, |last| last.0));
        digester.u64(self.total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: PlayerId = PlayerId(7);
    const BOB: PlayerId = PlayerId(3);
    const CID: PlayerId = PlayerId(5);

    fn list(blows: &[(PlayerId, u64)]) -> DamageList {
        let mut list = DamageList::default();
        blows.iter().for_each(|&(player, points)| assert!(list.add(Some(player), points)));
        list
    }

    #[test]
    fn whose_it_is_follows_the_rule_and_equals_follow_their_first_blows() {
        let (alone, all) = (Parties::default(), |_| true);
        let list = list(&[(ANN, 10), (BOB, 30), (CID, 30), (ANN, 5), (BOB, 0)]);
        let owner = |rule| list.owner(rule, &alone, all);
        assert_eq!(owner(TapOwner::FirstHit), Some(ANN));
        assert_eq!(owner(TapOwner::MostDamage), Some(BOB));
        assert_eq!(owner(TapOwner::LastHit), Some(ANN), "a blow that took nothing is none");
        assert_eq!(list.owner(TapOwner::FirstHit, &alone, |player| player != ANN), Some(BOB), "who is not there");
        assert_eq!(DamageList::default().owner(TapOwner::FirstHit, &alone, all), None);
    }

    #[test]
    fn parts_by_damage_are_parts_of_all_of_it() {
        let mut list = list(&[(ANN, 10), (BOB, 30)]);
        list.add(None, 60);
        let rules = TapRules { owner: TapOwner::FirstHit, experience: KillShare::ByDamage };
        let claims = list.claims(rules, &Parties::default(), |_| true);
        let claim = |by, part| Claim { by, part, whole: 100 };
        assert_eq!(claims, [claim(ANN, 10), claim(BOB, 30)]);
    }

    #[test]
    fn a_full_list_still_counts_for_those_on_it_and_for_the_whole() {
        let mut list = list(&(0..64).map(|player| (PlayerId(player), 1)).collect::<Vec<_>>());
        assert!(!list.add(Some(PlayerId(99)), 10));
        assert!(list.add(Some(PlayerId(63)), 10));
        assert_eq!((list.iter().len(), list.total()), (DAMAGERS_MAX, 84));
    }
}
