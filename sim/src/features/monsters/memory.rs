//! Resolve: what was done in this tick becomes threat, and the dead become corpses that decay. A point of damage
//! is a point of threat; half of what is healed counts, split among all who fight the healed and are not held by crowd
//! control; what else the combat loop let pass (threat, taunts) comes in between.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;

use super::brain::{Brain, Mood};
use super::mind::Mind;
use super::threat::split_heal;
use super::view::is_held;
use super::{Species, ThreatTable};
use crate::assets::{AttributeId, TagId, ThreatDef};
use crate::counters::Counters;
use crate::features::buffs::Tags;
use crate::features::combat::{Attributes, Died, EffectAction, HealthChanged, SideData};
use crate::features::skills::PassedOn;
use crate::ids::SimId;
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Threat that was not remembered, by reason.
pub(super) const THREAT_REFUSED: &str = "threat_refused_total";
/// Thousandths in a point.
const MILLI: i64 = 1_000;

type Rememberer<'a> = (SideData, &'a Species, &'a Tags, &'a Brain, &'a mut ThreatTable);

/// What becomes of someone's place on a list.
#[derive(Clone, Copy)]
enum Change {
    /// So many thousandths of a point more, or less.
    Add(i64),
    /// As many as the highest has.
    Taunt,
    /// So many percent of what there is.
    Scale(u32),
}

/// The lists of all monsters.
#[derive(SystemParam)]
pub(super) struct Lists<'w, 's> {
    roster: Res<'w, Roster>,
    assets: Res<'w, SceneAssets>,
    monsters: Query<'w, 's, Rememberer<'static>>,
    sources: Query<'w, 's, &'static Attributes>,
    counters: ResMut<'w, Counters>,
}

impl Lists<'_, '_> {
    fn change(&mut self, monster: SimId, culprit: SimId, change: Change) {
        let Some(by) = self.roster.entity(culprit).filter(|_| monster != culprit) else { return };
        let threat_bp = self.sources.get(by).map_or(10_000, |source| source.current(AttributeId::THREAT_BP));
        let found = self.roster.entity(monster).and_then(|entity| self.monsters.get_mut(entity).ok());
        let Some((.., brain, mut threat)) = found else { return };
        if !matches!(brain.mood, Mood::Idle | Mood::Fighting { .. }) {
            return;
        }
        let is_noted = match change {
            // Who is soothed has not begun a fight.
            Change::Add(milli) if milli < 0 && threat.of(culprit).is_none() => true,
            Change::Add(milli) => threat.add(culprit, milli.saturating_mul(i64::from(threat_bp)) / 10_000),
            Change::Taunt => threat.taunt(culprit),
            Change::Scale(pct) => {
                threat.scale(culprit, pct);
                true
            }
        };
        if !is_noted {
            self.counters.add(THREAT_REFUSED, "full");
        }
    }

    fn rules_of(&self, monster: SimId) -> Option<&ThreatDef> {
        let (_, species, ..) = self.monsters.get(self.roster.entity(monster)?).ok()?;
        Some(&self.assets.0.threats[self.assets.0.monsters[species.0].threat.id()])
    }
}

pub(super) fn remember(mut log: MessageReader<HealthChanged>, mut deeds: MessageReader<PassedOn>, mut lists: Lists) {
    let mut healed = Vec::new();
    for entry in log.read().filter(|entry| entry.is_deed()) {
        if entry.amount > 0 {
            healed.push((entry.target, entry.source, entry.amount.unsigned_abs()));
        } else if let Some(percent) = lists.rules_of(entry.target).map(|rules| i64::from(rules.damage_pct)) {
            let milli = i64::from(entry.amount.unsigned_abs()) * MILLI * percent / 100;
            // Who misses is noticed too.
            lists.change(entry.target, entry.source, Change::Add(milli.max(1)));
        }
    }
    for PassedOn(deed) in deeds.read() {
        let change = match deed.what {
            EffectAction::Threat { amount } => Change::Add(i64::from(amount) * MILLI),
            EffectAction::Taunt => Change::Taunt,
            EffectAction::ScaleThreat { pct } => Change::Scale(pct),
            _ => continue,
        };
        lists.change(deed.target, deed.source, change);
    }
    for (patient, healer, points) in healed {
        let engaged = engaged_with(&lists.monsters, patient);
        for &monster in &engaged {
            let Some(milli) = lists.rules_of(monster).map(|rules| split_heal(points, rules, engaged.len())) else {
                continue;
            };
            lists.change(monster, healer, Change::Add(milli));
        }
    }
}

/// The monsters that hate someone and are not held by crowd control, by id.
fn engaged_with(monsters: &Query<Rememberer>, someone: SimId) -> Vec<SimId> {
    let hateful = monsters.iter().filter(|(_, _, tags, _, threat)| {
        threat.of(someone).is_some() && !tags.has(TagId::CROWD_CONTROL) && !is_held(tags)
    });
    let mut engaged: Vec<SimId> = hateful.map(|(side, ..)| side.side().id).collect();
    engaged.sort_unstable();
    engaged
}

/// The dead think no more.
pub(super) fn bury(
    tick: Res<SimTick>,
    assets: Res<SceneAssets>,
    roster: Res<Roster>,
    mut deaths: MessageReader<Died>,
    mut monsters: Query<(&Species, &mut Brain, &mut ThreatTable, &mut Mind)>,
) {
    for death in deaths.read() {
        let found = roster.entity(death.who).and_then(|entity| monsters.get_mut(entity).ok());
        if let Some((species, mut brain, mut threat, mut mind)) = found {
            let corpse_ticks = assets.0.monsters[species.0].corpse_ticks();
            brain.mood = Mood::Dead { until_tick: tick.0 + corpse_ticks };
            threat.clear();
            *mind = Mind::default();
        }
    }
}

/// Corpses go when their time has come.
pub(super) fn decay(mut commands: Commands, tick: Res<SimTick>, monsters: Query<(Entity, &SimId, &Brain)>) {
    let over = |brain: &Brain| matches!(brain.mood, Mood::Dead { until_tick } if until_tick <= tick.0);
    let mut gone: Vec<(SimId, Entity)> =
        monsters.iter().filter(|(.., brain)| over(brain)).map(|(entity, &id, _)| (id, entity)).collect();
    // By id, because indices rest in the order in which they are given back.
    gone.sort_unstable_by_key(|&(id, _)| id);
    for (_, entity) in gone {
        commands.entity(entity).despawn();
    }
}
