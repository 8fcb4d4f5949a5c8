//! Think: each monster decides for itself. It writes its own components and messages only and reads of others
//! what nobody writes in this stage, so the order in which monsters think does not matter.
//!
//! Idle > fighting (it saw someone, was hurt or was called) > evading (its victim is lost or home too far) >
//! arrived > idle. While it evades nothing touches it; on arrival it is as new.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;
use glam::Vec2;

use super::brain::{Brain, HelpCall, Mood};
use super::senses::{Neighbourhoods, SEEN_MILLI};
use super::tactics::{Choice, Situation};
use super::{Home, Species, Steering, ThreatTable};
use crate::actor::{Concealment, Faction, Heading, Position};
use crate::assets::{Assets, MonsterDef, State};
use crate::features::buffs::{ActiveBuffs, States, clear_all};
use crate::features::combat::{HealthChanged, HealthKind, Untouchable, Vitals};
use crate::features::movement::ForceMove;
use crate::features::skills::{CasterView, Casting, Cooldowns, Mana, ManaChange, StopIntent, Units};
use crate::ids::SimId;
use crate::intent::{CastIntent, MoveIntent};
use crate::interest::{SceneGrid, Visibility};
use crate::random::{Random, Stream};
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;

/// Ticks between two reconsiderations of the victim (1 s).
const RECONSIDER_TICKS: u32 = 20;
/// Within this distance of a victim a rival counts as in melee range, in metres.
const MELEE_M: f32 = 5.0;
/// Ticks after which a monster that cannot find home is set down there (15 s).
const STUCK_TICKS: u32 = 300;
/// So near to a place a monster has reached it, in metres.
const ARRIVED_M: f32 = 0.6;
/// Least and most ticks that an idle monster stands between two strolls.
const STAND_TICKS: (i32, i32) = (100, 200);
/// Ticks after which a stroll is given up.
const STROLL_TICKS: u32 = 200;

#[derive(QueryData)]
#[query_data(mutable)]
pub(super) struct Thinker {
    id: &'static SimId,
    species: &'static Species,
    home: &'static Home,
    position: &'static Position,
    faction: &'static Faction,
    concealment: &'static Concealment,
    vitals: &'static Vitals,
    states: &'static States,
    mana: &'static Mana,
    cooldowns: &'static Cooldowns,
    casting: &'static Casting,
    buffs: &'static ActiveBuffs,
    brain: &'static mut Brain,
    threat: &'static mut ThreatTable,
    steering: &'static mut Steering,
    steps: &'static mut MoveIntent,
    heading: &'static mut Heading,
    untouchable: &'static mut Untouchable,
}

/// What monsters know of the scene, and where their intents go.
#[derive(SystemParam)]
pub(super) struct Scenery<'w, 's> {
    tick: Res<'w, SimTick>,
    random: Res<'w, Random>,
    assets: Res<'w, SceneAssets>,
    geometry: Res<'w, SceneGeometry>,
    awake: Res<'w, Neighbourhoods>,
    units: Units<'w, 's>,
    casts: MessageWriter<'w, CastIntent>,
    stops: MessageWriter<'w, StopIntent>,
    calls: MessageWriter<'w, HelpCall>,
    moves: MessageWriter<'w, ForceMove>,
}

pub(super) fn decide(mut scenery: Scenery, mut monsters: Query<Thinker>) {
    let assets = scenery.assets.0.clone();
    for mut monster in &mut monsters {
        let def = &assets.monsters[monster.species.0];
        match monster.brain.mood {
            Mood::Idle { .. } if !monster.threat.is_empty() => monster.rise(&mut scenery, def, &assets),
            Mood::Idle { stroll_to, until_tick } => {
                if def.wander_m > 0.0 && scenery.awake.is_awake(monster.position.place()) {
                    monster.stroll(&scenery, def, stroll_to, until_tick);
                }
            }
            Mood::Fighting { victim } => monster.fight(&mut scenery, def, &assets, victim),
            Mood::Evading { since_tick } => monster.go_home(&mut scenery, since_tick),
            Mood::Arrived | Mood::Dead { .. } => {}
        }
    }
}

impl ThinkerItem<'_, '_> {
    /// Someone hurt it: it turns to whom it hates most and calls for help.
    fn rise(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets) {
        let Some(victim) = self.choose_victim(scenery, None) else {
            self.threat.clear();
            return;
        };
        self.brain.mood = Mood::Fighting { victim };
        scenery.calls.write(HelpCall { caller: *self.id, victim });
        self.fight(scenery, def, assets, victim);
    }

    fn stroll(&mut self, scenery: &Scenery, def: &MonsterDef, stroll_to: Option<Vec2>, until_tick: u32) {
        let (tick, place) = (scenery.tick.0, self.position.place());
        let over = tick >= until_tick;
        let mut draw = scenery.random.draw(tick, *self.id, Stream("stroll"), 0);
        match stroll_to {
            Some(to) if !over && place.distance(to) > ARRIVED_M => {
                let step = self.steering.step(place, to, true, tick, || draw);
                self.steps.steps.push(step);
            }
            Some(_) => {
                let stand_ticks = draw.between(STAND_TICKS.0, STAND_TICKS.1).unsigned_abs();
                self.brain.mood = Mood::Idle { stroll_to: None, until_tick: tick + stand_ticks };
            }
            None if over => {
                let angle = draw.unit() * std::f32::consts::TAU;
                let home = Vec2::new(self.home.feet.x, self.home.feet.z);
                let to = home + Vec2::from_angle(angle) * def.wander_m * draw.unit().sqrt();
                self.brain.mood = Mood::Idle { stroll_to: Some(to), until_tick: tick + STROLL_TICKS };
            }
            None => {}
        }
    }

    fn fight(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets, victim: SimId) {
        let (tick, eyes) = (scenery.tick.0, self.eyes());
        let turn = tick as usize + self.id.index();
        let there = scenery.units.seen(victim, eyes).filter(|unit| unit.alive);
        let reconsiders = there.is_none() || turn.is_multiple_of(RECONSIDER_TICKS as usize);
        let chosen = if reconsiders { self.choose_victim(scenery, Some(victim)) } else { Some(victim) };
        let seen = chosen.and_then(|id| scenery.units.seen(id, eyes));
        let home = Vec2::new(self.home.feet.x, self.home.feet.z);
        let too_far = self.position.place().distance(home) > def.leash_m;
        let Some(target) = seen.filter(|_| !too_far) else { return self.give_up(scenery) };
        if target.id != victim {
            self.brain.mood = Mood::Fighting { victim: target.id };
        }
        if self.states.has(State::Stun) {
            return;
        }
        let situation = Situation {
            tick,
            assets,
            geometry: &scenery.geometry.0,
            def,
            view: self.view(),
            vitals: *self.vitals,
            buffs: self.buffs,
            victim: target,
        };
        let facing = situation.facing();
        let choice = if self.casting.0.is_some() { Choice::Hold } else { situation.choose() };
        match choice {
            Choice::Approach => {
                let distance_m = self.position.0.distance(target.feet);
                if self.steering.is_hopeless(distance_m, tick) {
                    return self.give_up(scenery);
                }
                let draw = || scenery.random.draw(tick, *self.id, Stream("side step"), 0);
                let to = Vec2::new(target.feet.x, target.feet.z);
                let step = self.steering.step(self.position.place(), to, false, tick, draw);
                self.steps.steps.push(step);
            }
            Choice::Cast(skill, target) => {
                self.heading.set_if_neq(facing);
                scenery.casts.write(CastIntent { caster: *self.id, skill, target });
            }
            Choice::Hold => {
                self.heading.set_if_neq(facing);
            }
        }
    }

    /// The fight is over: it forgets everyone and runs home.
    fn give_up(&mut self, scenery: &mut Scenery) {
        self.threat.clear();
        self.untouchable.set_if_neq(Untouchable(true));
        self.brain.mood = Mood::Evading { since_tick: scenery.tick.0 };
        if self.casting.0.is_some() {
            scenery.stops.write(StopIntent { caster: *self.id });
        }
    }

    fn go_home(&mut self, scenery: &mut Scenery, since_tick: u32) {
        let (tick, place) = (scenery.tick.0, self.position.place());
        let home = Vec2::new(self.home.feet.x, self.home.feet.z);
        if place.distance(home) <= ARRIVED_M {
            self.brain.mood = Mood::Arrived;
        } else if tick.saturating_sub(since_tick) >= STUCK_TICKS {
            scenery.moves.write(ForceMove { id: *self.id, to: self.home.feet });
            self.brain.mood = Mood::Arrived;
        } else {
            let draw = || scenery.random.draw(tick, *self.id, Stream("side step"), 0);
            let step = self.steering.step(place, home, false, tick, draw);
            self.steps.steps.push(step);
        }
    }

    fn choose_victim(&self, scenery: &Scenery, current: Option<SimId>) -> Option<SimId> {
        let eyes = self.eyes();
        self.threat.choose(current, |id| {
            let unit = scenery.units.seen(id, eyes).filter(|unit| unit.alive)?;
            Some(unit.feet.distance(self.position.0) <= MELEE_M)
        })
    }

    fn eyes(&self) -> Visibility {
        Visibility { faction: self.faction.0, phase: self.concealment.phase, stealth: self.concealment.stealth }
    }

    fn view(&self) -> CasterView<'_> {
        CasterView {
            feet: self.position.0,
            heading: *self.heading,
            faction: *self.faction,
            dead: !self.vitals.is_alive(),
            states: *self.states,
            mp: self.mana.mp,
            cooldowns: self.cooldowns,
            casting: self.casting.0.is_some(),
            moving: false,
        }
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
    for HelpCall { caller, victim } in calls {
        let Some(entity) = roster.entity(caller) else { continue };
        let (Ok((species, faction, concealment, ..)), Ok(position)) = (monsters.get(entity), places.get(entity)) else {
            continue;
        };
        let (faction, concealment) = (*faction, *concealment);
        let assist_m = assets.0.monsters[species.0].assist_m;
        let mut near = Vec::new();
        if assist_m > 0.0 {
            grid.0.for_each_within(position.place(), assist_m, |entry, _| near.push(entry.id));
        }
        for id in near {
            let helper = roster.entity(id).and_then(|entity| monsters.get_mut(entity).ok());
            let Some((_, side, visibility, mut brain, mut threat)) = helper else { continue };
            let comes = *side == faction && visibility.phase == concealment.phase;
            if comes && matches!(brain.mood, Mood::Idle { .. }) {
                brain.mood = Mood::Fighting { victim };
                threat.add(victim, SEEN_MILLI);
            }
        }
    }
}

type Returned<'a> = (
    &'a SimId,
    &'a mut Brain,
    &'a mut Vitals,
    &'a mut Mana,
    &'a mut ActiveBuffs,
    &'a mut Cooldowns,
    &'a mut Untouchable,
);

/// Who has come home is as new.
pub(super) fn settle_at_home(tick: Res<SimTick>, mut monsters: Query<Returned>, mut log: MessageWriter<HealthChanged>) {
    let mut healed = Vec::new();
    for (&id, mut brain, mut vitals, mut mana, mut buffs, mut cooldowns, mut untouchable) in &mut monsters {
        if brain.mood != Mood::Arrived {
            continue;
        }
        let until_tick = tick.0 + STAND_TICKS.0.unsigned_abs();
        brain.mood = Mood::Idle { stroll_to: None, until_tick };
        untouchable.set_if_neq(Untouchable(false));
        clear_all(&mut buffs);
        cooldowns.clear();
        mana.gain(u32::MAX);
        let gained = vitals.hp_max - vitals.hp;
        if gained > 0 {
            vitals.hp = vitals.hp_max;
            let amount = i32::try_from(gained).unwrap_or(i32::MAX);
            healed.push(HealthChanged { target: id, source: id, amount, kind: HealthKind::Reset, crit: false });
        }
    }
    healed.sort_by_key(|entry| entry.target);
    log.write_batch(healed);
}
