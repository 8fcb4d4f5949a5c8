//! Resolve: what was done in this tick becomes threat, and the dead become corpses that decay. A point of damage
//! is a point of threat; half of what is healed counts, split among all who fight the healed; threatening
//! skills add what they say.

use bevy_ecs::prelude::*;

use super::brain::{Brain, Mood};
use super::mind::Mind;
use super::threat::split_heal;
use super::view::is_held;
use super::{Species, ThreatTable};
use crate::assets::{AttributeId, Id, TagId, ThreatDef};
use crate::counters::Counters;
use crate::features::buffs::Tags;
use crate::features::combat::{
    Attributes, Died, EffectAction, EffectQueued, HealthChanged, HealthKind, Side, SideData, Sides, in_order,
};
use crate::ids::SimId;
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Threat that was not remembered, by reason.
pub(super) const THREAT_REFUSED: &str = "threat_refused_total";
/// Thousandths in a point.
const MILLI: i64 = 1_000;

type Rememberer<'a> = (SideData, &'a Species, &'a Tags, &'a Brain, &'a mut ThreatTable);

pub(super) fn remember(
    (roster, sides, assets): (Res<Roster>, Res<Sides>, Res<SceneAssets>),
    mut log: MessageReader<HealthChanged>,
    mut queued: MessageReader<EffectQueued>,
    mut monsters: Query<Rememberer>,
    sources: Query<&Attributes>,
    mut counters: ResMut<Counters>,
) {
    let mut full = 0;
    let threat_bp = |culprit: SimId| {
        let found = roster.entity(culprit).and_then(|entity| sources.get(entity).ok());
        i64::from(found.map_or(10_000, |attributes| attributes.current(AttributeId::THREAT_BP)))
    };
    let mut blame = |monsters: &mut Query<Rememberer>, monster: SimId, culprit: SimId, milli: i64| {
        let found = roster.entity(monster).and_then(|entity| monsters.get_mut(entity).ok());
        let Some((.., brain, mut threat)) = found else { return };
        let attentive = matches!(brain.mood, Mood::Idle | Mood::Fighting { .. });
        let milli = milli.saturating_mul(threat_bp(culprit)) / 10_000;
        if attentive && monster != culprit && roster.entity(culprit).is_some() && !threat.add(culprit, milli) {
            full += 1;
        }
    };
    let rules_of = |monsters: &Query<Rememberer>, monster: SimId| -> Option<Id<ThreatDef>> {
        let (_, species, ..) = monsters.get(roster.entity(monster)?).ok()?;
        Some(assets.0.monsters[species.0].threat.id())
    };
    let mut healed = Vec::new();
    for entry in log.read().filter(|entry| matches!(entry.kind, HealthKind::Direct | HealthKind::Periodic)) {
        let heals = entry.amount > 0 || entry.source == entry.target;
        if heals {
            healed.push((entry.target, entry.source, entry.amount.unsigned_abs()));
        } else if let Some(rules) = rules_of(&monsters, entry.target) {
            let percent = i64::from(assets.0.threats[rules].damage_pct);
            let milli = i64::from(entry.amount.unsigned_abs()) * MILLI * percent / 100;
            // Who misses is noticed too.
            blame(&mut monsters, entry.target, entry.source, milli.max(1));
        }
    }
    for effect in in_order(&mut queued) {
        let EffectAction::Threat { amount } = effect.what else { continue };
        let side =
            roster.entity(effect.target).and_then(|entity| monsters.get(entity).ok()).map(|(side, ..)| side.side());
        let source = Side::of_faction(effect.source, effect.worth.faction);
        if side.is_some_and(|side| sides.may_harm(source, side)) {
            blame(&mut monsters, effect.target, effect.source, i64::from(amount) * MILLI);
        }
    }
    for (patient, healer, points) in healed {
        let engaged: Vec<SimId> = engaged_with(&monsters, patient);
        for &monster in &engaged {
            let Some(rules) = rules_of(&monsters, monster) else { continue };
            blame(&mut monsters, monster, healer, split_heal(points, &assets.0.threats[rules], engaged.len()));
        }
    }
    (0..full).for_each(|_| counters.add(THREAT_REFUSED, "full"));
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
