//! Think: each monster decides for itself. It writes its own components and messages only and reads of others
//! what nobody writes in this stage, so the order in which monsters think does not matter.
//!
//! Idle > fighting (it saw someone, was hurt or was called) > evading (its victim is lost or out of reach, or home
//! too far) > arrived > idle. While it evades nothing touches it; on arrival it is as new. Where it wants to be goes
//! to navigation, which takes it there.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;

use super::adds::{Said, SummonQueued};
use super::brain::{Brain, HelpCall, Mood};
use super::fight::NODES_PER_TICK_MAX;
use super::mind::{AiTrace, Mind, ThinkBudget};
use super::senses::SEEN_MILLI;
use super::{Group, Home, Patrol, Pursuit, Rails, Species, ThreatTable};
use crate::actor::{Asleep, Concealment, Faction, Heading, Position};
use crate::assets::OnEvade;
use crate::counters::Counters;
use crate::features::buffs::{ActiveBuffs, Tags, clear_all};
use crate::features::combat::{
    Allegiance, Attributes, EffectQueued, HealthChanged, HealthKind, Level, Sides, Untouchable, Vitals,
};
use crate::features::movement::ForceMove;
use crate::features::navigation::{Goal, Walk, WalkTo, Wayfinding};
use crate::features::skills::{Casting, Combo, Cooldowns, Mana, ManaChange, StopIntent, Units};
use crate::ids::SimId;
use crate::intent::CastIntent;
use crate::interest::SceneGrid;
use crate::random::Random;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;

/// What a tree may ask about anyone.
pub(super) type Onlooked<'a> = (&'a Vitals, &'a Tags, &'a Casting, &'a ActiveBuffs);

#[derive(QueryData)]
#[query_data(mutable)]
pub(super) struct Thinker {
    pub(super) id: &'static SimId,
    pub(super) species: &'static Species,
    pub(super) home: &'static Home,
    pub(super) position: &'static Position,
    pub(super) faction: &'static Faction,
    pub(super) allegiance: &'static Allegiance,
    pub(super) concealment: &'static Concealment,
    pub(super) vitals: &'static Vitals,
    pub(super) tags: &'static Tags,
    pub(super) mana: &'static Mana,
    pub(super) cooldowns: &'static Cooldowns,
    pub(super) casting: &'static Casting,
    pub(super) combo: &'static Combo,
    pub(super) buffs: &'static ActiveBuffs,
    pub(super) attributes: &'static Attributes,
    pub(super) level: &'static Level,
    pub(super) brain: &'static mut Brain,
    pub(super) mind: &'static mut Mind,
    pub(super) threat: &'static mut ThreatTable,
    pub(super) pursuit: &'static mut Pursuit,
    pub(super) patrol: &'static Patrol,
    pub(super) rails: &'static Rails,
    pub(super) group: Option<&'static mut Group>,
    pub(super) walk: &'static Walk,
    pub(super) walk_to: &'static mut WalkTo,
    pub(super) heading: &'static mut Heading,
    pub(super) untouchable: &'static mut Untouchable,
}

/// What monsters know of the scene, and where their intents go.
#[derive(SystemParam)]
pub(super) struct Scenery<'w, 's> {
    pub(super) tick: Res<'w, SimTick>,
    pub(super) random: Res<'w, Random>,
    pub(super) assets: Res<'w, SceneAssets>,
    pub(super) geometry: Res<'w, SceneGeometry>,
    pub(super) sides: Res<'w, Sides>,
    pub(super) units: Units<'w, 's>,
    pub(super) way: Wayfinding<'w>,
    pub(super) casts: MessageWriter<'w, CastIntent>,
    pub(super) stops: MessageWriter<'w, StopIntent>,
    pub(super) calls: MessageWriter<'w, HelpCall>,
    pub(super) moves: MessageWriter<'w, ForceMove>,
    pub(super) queued: MessageWriter<'w, EffectQueued>,
    pub(super) summons: MessageWriter<'w, SummonQueued>,
    pub(super) sayings: MessageWriter<'w, Said>,
    pub(super) roster: Res<'w, Roster>,
    pub(super) others: Query<'w, 's, (&'static Vitals, &'static Tags, &'static Casting, &'static ActiveBuffs)>,
    pub(super) budget: ResMut<'w, ThinkBudget>,
    pub(super) trace: ResMut<'w, AiTrace>,
    pub(super) counters: ResMut<'w, Counters>,
}

pub(super) fn decide(mut scenery: Scenery, mut monsters: Query<Thinker, Without<Asleep>>) {
    let assets = scenery.assets.0.clone();
    scenery.budget.renew(NODES_PER_TICK_MAX);
    for mut monster in &mut monsters {
        let def = &assets.monsters[monster.species.0];
        match monster.brain.mood {
            Mood::Idle if !monster.threat.is_empty() => monster.rise(&mut scenery, def, &assets),
            Mood::Idle => monster.idle(&mut scenery, &assets),
            Mood::Fighting { victim } => monster.fight(&mut scenery, def, &assets, victim),
            Mood::Evading { since_tick } => monster.go_home(&mut scenery, since_tick),
            Mood::Arrived | Mood::Dead { .. } => {}
        }
    }
}

impl ThinkerItem<'_, '_> {
    /// Wants to be somewhere.
    pub(super) fn go(&mut self, goal: Goal) {
        self.walk_to.0 = Some(goal);
    }

    /// Wants to be where it is.
    pub(super) fn stay(&mut self) {
        self.walk_to.0 = None;
    }
}

type Helper<'a> = (&'a Species, &'a Faction, &'a Concealment, &'a mut Brain, &'a mut ThreatTable);

/// Idle monsters of the caller's kind come when they are near enough; the first call wins.
pub(super) fn answer_calls(
    assets: Res<SceneAssets>,
    (grid, roster): (Res<SceneGrid>, Res<Roster>),
    mut calls: MessageReader<HelpCall>,
    places: Query<&Position>,
    mut monsters: Query<Helper>,
) {
    let mut calls: Vec<HelpCall> = calls.read().copied().collect();
    calls.sort_by_key(|call| call.caller);
    for HelpCall { caller, victim, radius_m } in calls {
        let Some(entity) = roster.entity(caller) else { continue };
        let (Ok((species, faction, concealment, ..)), Ok(position)) = (monsters.get(entity), places.get(entity)) else {
            continue;
        };
        let (faction, concealment) = (*faction, *concealment);
        let assist_m = radius_m.unwrap_or(assets.0.monsters[species.0].senses.assist_m);
        let mut near = Vec::new();
        if assist_m > 0.0 {
            grid.0.for_each_within(position.place(), assist_m, |entry, _| near.push(entry.id));
        }
        for id in near {
            let helper = roster.entity(id).and_then(|entity| monsters.get_mut(entity).ok());
            let Some((_, side, visibility, mut brain, mut threat)) = helper else { continue };
            let comes = *side == faction && visibility.phase == concealment.phase;
            if comes && brain.mood.is_idle() {
                brain.mood = Mood::Fighting { victim };
                threat.add(victim, SEEN_MILLI);
            }
        }
    }
}

type Returned<'a> = (
    &'a SimId,
    &'a Species,
    &'a mut Brain,
    &'a mut Vitals,
    &'a mut Mana,
    &'a mut ActiveBuffs,
    &'a mut Cooldowns,
    &'a mut Untouchable,
);

/// Who has come home is as new.
pub(super) fn settle_at_home(
    assets: Res<SceneAssets>,
    mut monsters: Query<Returned, Changed<Brain>>,
    mut log: MessageWriter<HealthChanged>,
) {
    let mut healed = Vec::new();
    for (&id, species, mut brain, mut vitals, mut mana, mut buffs, mut cooldowns, mut untouchable) in &mut monsters {
        if brain.mood != Mood::Arrived {
            continue;
        }
        brain.mood = Mood::Idle;
        untouchable.set_if_neq(Untouchable(false));
        clear_all(&mut buffs);
        cooldowns.clear();
        mana.gain(u32::MAX);
        let gained = vitals.hp_max - vitals.hp;
        let on_evade = assets.0.monsters[species.0].leash.on_evade;
        if gained > 0 && on_evade == OnEvade::FullReset {
            vitals.hp = vitals.hp_max;
            let amount = i32::try_from(gained).unwrap_or(i32::MAX);
            healed.push(HealthChanged::own(id, amount, HealthKind::Reset));
        }
    }
    healed.sort_by_key(|entry| entry.target);
    log.write_batch(healed);
}
