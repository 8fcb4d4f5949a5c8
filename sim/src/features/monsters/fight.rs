//! Think: fighting. A monster turns to whom it hates most, asks its tree every few ticks what to do, does it until the next
//! decision, and gives up when its victim is lost, its home too far, or no way leads to a victim that no skill reaches.

use super::boss::Course;
use super::brain::{HelpCall, Mood};
use super::decide::{Scenery, ThinkerItem};
use super::groups::Quit;
use super::mind::{Mind, Order, Thought};
use super::tactics::{Situation, longest_reach_m};
use super::threat::{Rival, Standing, Taunt};
use super::view::{FightView, facing, has_from, is_held, is_suppressed};
use crate::assets::{Assets, Disturbance, LeashDef, MonsterDef, TagId, ThreatDef, ticks_of};
use crate::behaviour::{Memory, Silent, Trace, decide};
use crate::features::combat::{EffectAction, Side, Sides, Untouchable};
use crate::features::navigation::{Goal, WalkStatus};
use crate::features::skills::{CasterView, StopIntent, TargetView};
use crate::ids::SimId;
use crate::interest::Visibility;
use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

/// Ticks between two decisions of one monster (200 ms); monsters take turns by id.
pub const DECIDE_TICKS: u32 = 4;
/// Most nodes of a tree that one decision visits; what is left is visited in the next tick.
pub const NODES_PER_DECISION_MAX: u32 = 128;
/// Most nodes that all monsters of a scene visit in one tick; who comes too late decides in the next one.
pub const NODES_PER_TICK_MAX: u32 = 60_000;
/// Decisions that had to wait, by reason.
pub(super) const AI_POSTPONED: &str = "ai_postponed_total";
/// How long a monster that others of its kind keep from its victim is patient, in ticks (60 s): its turn will come.
const CROWDED_PATIENCE_TICKS: u32 = 1_200;
/// So near to its victim a monster ends its walk, in metres; its skills stop it earlier.
const CHASE_M: f32 = 0.5;
/// A place counts as within a skill's reach up to this part of it.
const REACH_PART: f32 = 0.9;
/// How far ahead a monster looks when it runs away or round its victim, in metres.
const STEP_M: f32 = 6.0;

impl ThinkerItem<'_, '_> {
    /// Someone hurt it: it turns to whom it hates most and calls for help.
    pub(super) fn rise(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets) {
        let Some(victim) = self.choose_victim(scenery, def, assets, None) else {
            self.threat.clear();
            return;
        };
        self.brain.mood = Mood::Fighting { victim };
        self.stay();
        scenery.calls.write(HelpCall { caller: *self.id, victim, radius_m: None });
        self.fight(scenery, def, assets, victim);
    }

    pub(super) fn fight(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets, victim: SimId) {
        let Some(target) = self.find_victim(scenery, def, assets, victim) else {
            let strayed = self.strayed_m() > def.leash.radius_m;
            return self.give_up(scenery, if strayed { Quit::Leash } else { Quit::Bereft });
        };
        if target.id != victim {
            self.brain.mood = Mood::Fighting { victim: target.id };
        }
        if self.mind.since_tick == 0 {
            *self.mind = Mind { since_tick: scenery.tick.0, phase_tick: scenery.tick.0, ..Mind::default() };
        }
        if is_held(self.tags) {
            return;
        }
        let target = self.go_through_phases(scenery, def, assets, target);
        if self.casting.0.is_some() {
            self.stay();
            let heading = facing(self.position.0, target.feet, *self.heading);
            self.heading.set_if_neq(heading);
            return;
        }
        if let Some(target) = self.think(scenery, def, assets, target) {
            self.follow_order(scenery, def, assets, target);
        }
    }

    /// Phases begin when their time has come; a fight that takes too long has its end.
    fn go_through_phases(
        &mut self,
        scenery: &mut Scenery,
        def: &MonsterDef,
        assets: &Assets,
        target: TargetView,
    ) -> TargetView {
        if def.phases.is_empty() && def.enrage.is_none() {
            return target;
        }
        let tick = scenery.tick.0;
        let mut view = FightView { me: self, scenery, def, assets, target, gives_up: false };
        let course = Course {
            tick,
            phase: view.me.mind.phase,
            phase_tick: view.me.mind.phase_tick,
            hp_permille: permille(view.me.vitals.hp, view.me.vitals.hp_max),
            adds_alive: view.adds_alive(),
        };
        if let Some(next) = course.next_phase(def) {
            view.enter_phase(next);
        }
        let over = |after_ms| tick.saturating_sub(view.me.mind.since_tick) >= ticks_of(after_ms);
        if let Some(enrage) = def.enrage.as_ref().filter(|enrage| !view.me.mind.enraged && over(enrage.after_ms)) {
            view.me.mind.enraged = true;
            view.gain(EffectAction::Apply { effect: enrage.effect.id(), chance_pct: 100 });
            view.say(enrage.say.as_deref());
        }
        view.target
    }

    /// Asks its tree when it is its turn; `None` when the tree has given up.
    fn think(
        &mut self,
        scenery: &mut Scenery,
        def: &MonsterDef,
        assets: &Assets,
        target: TargetView,
    ) -> Option<TargetView> {
        let turn = (scenery.tick.0 as usize + self.id.index()).is_multiple_of(DECIDE_TICKS as usize);
        if !turn && self.mind.order != Order::None && !self.mind.memory.is_suspended() {
            return Some(target);
        }
        if scenery.budget.left == 0 {
            scenery.counters.add(AI_POSTPONED, "tick_spent");
            return Some(target);
        }
        let phase = self.mind.phase().and_then(|phase| def.phases.get(phase)?.ai.as_ref());
        let ai = phase.unwrap_or(&def.ai).id();
        if self.mind.ai != Some(ai) {
            (self.mind.ai, self.mind.memory) = (Some(ai), Memory::default());
        }
        // Whatever the tree does not say is standing still.
        self.mind.order = Order::Hold;
        let nodes_max = scenery.budget.left.min(NODES_PER_DECISION_MAX);
        let watched = scenery.trace.watched.contains(self.id);
        let mut memory = std::mem::take(&mut self.mind.memory);
        let mut view = FightView { me: self, scenery, def, assets, target, gives_up: false };
        let tree = assets.ai[ai].tree();
        let decision = if watched {
            let (mut trace, victim, victim_m) = (Trace::default(), view.target.id, view.target_m());
            let decision = decide(tree, &mut memory, &mut view, nodes_max, &mut trace);
            let (tick, phase) = (view.scenery.tick.0, view.me.mind.phase());
            let (status, node_count) = (decision.status, decision.node_count);
            let thought = Thought { tick, ai, phase, victim, victim_m, status, node_count, nodes_max, trace };
            view.scenery.trace.last.insert(*view.me.id, thought);
            decision
        } else {
            decide(tree, &mut memory, &mut view, nodes_max, &mut Silent)
        };
        let (target, gives_up) = (view.target, view.gives_up);
        self.mind.memory = memory;
        scenery.budget.spend(decision.node_count);
        if decision.status.is_none() {
            scenery.counters.add(AI_POSTPONED, "decision_spent");
        }
        if gives_up {
            self.give_up(scenery, Quit::Leash);
            return None;
        }
        Some(target)
    }

    /// Goes on with what was decided.
    fn follow_order(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets, target: TargetView) {
        let (feet, distance_m) = (self.position.0, ground_distance_m(self.position.0, target.feet));
        match self.mind.order {
            Order::Approach(within_m) => {
                let near = match within_m {
                    Some(within_m) => distance_m <= within_m,
                    None => self.situation(scenery, def, assets, target).is_near(),
                };
                if !near {
                    return self.approach(scenery, def, assets, target);
                }
            }
            Order::Keep { least_m, .. } if distance_m < least_m => return self.go_back(scenery, target, least_m),
            Order::Keep { most_m, .. } if distance_m > most_m => return self.approach(scenery, def, assets, target),
            Order::Flee => return self.go_back(scenery, target, distance_m + STEP_M),
            Order::Circle { radius_m } => {
                let way = Vec2::new(feet.x - target.feet.x, feet.z - target.feet.z);
                let ahead = Vec2::from_angle(STEP_M.min(radius_m) / radius_m).rotate(way.normalize_or(Vec2::X));
                let place = target.feet + Vec3::new(ahead.x, 0.0, ahead.y) * radius_m;
                return self.go(Goal::run(place, CHASE_M));
            }
            Order::None | Order::Hold | Order::Keep { .. } => {}
        }
        self.stay();
        let heading = facing(feet, target.feet, *self.heading);
        self.heading.set_if_neq(heading);
    }

    /// Goes straight away from its victim, to a place that can be walked on.
    fn go_back(&mut self, scenery: &Scenery, target: TargetView, to_m: f32) {
        let way = Vec2::new(self.position.0.x - target.feet.x, self.position.0.z - target.feet.z);
        let away = way.normalize_or(Vec2::X) * (to_m + 0.5);
        let place = target.feet + Vec3::new(away.x, 0.0, away.y);
        self.go(Goal::run(scenery.way.nearest(place).unwrap_or(place), CHASE_M));
    }

    pub(super) fn situation<'a>(
        &'a self,
        scenery: &'a Scenery,
        def: &'a MonsterDef,
        assets: &'a Assets,
        victim: TargetView,
    ) -> Situation<'a> {
        Situation {
            tick: scenery.tick.0,
            assets,
            geometry: &scenery.geometry.0,
            def,
            view: self.view(&scenery.sides),
            vitals: *self.vitals,
            buffs: self.buffs,
            victim,
        }
    }

    /// Whom it fights from now on; `None` when there is nobody, or home is too far.
    fn find_victim(&self, scenery: &Scenery, def: &MonsterDef, assets: &Assets, victim: SimId) -> Option<TargetView> {
        let eyes = self.eyes();
        let turn = scenery.tick.0 as usize + self.id.index();
        let there = scenery.units.seen(victim, eyes).filter(|unit| unit.alive);
        let every = assets.threats[def.threat.id()].reevaluate_ticks().max(1);
        let reconsiders = there.is_none() || turn.is_multiple_of(every as usize);
        let chosen = if reconsiders { self.choose_victim(scenery, def, assets, Some(victim)) } else { Some(victim) };
        let seen = chosen.and_then(|id| scenery.units.seen(id, eyes));
        seen.filter(|_| self.strayed_m() <= def.leash.radius_m)
    }

    /// Comes nearer. Where no way leads it attacks from the nearest place that will do; it is patient for a while.
    fn approach(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets, target: TargetView) {
        let (tick, feet) = (scenery.tick.0, self.position.0);
        let status = self.walk_to.0.map_or(WalkStatus::Standing, |_| self.walk.status());
        let mut stand = self.pursuit.stand(tick);
        if status == WalkStatus::Unreachable {
            let reach_m = longest_reach_m(def, assets) * REACH_PART;
            let near = scenery.way.nearest_reachable(feet, target.feet);
            stand = near.filter(|near| near.distance(target.feet) <= reach_m);
            if let Some(stand) = stand {
                self.pursuit.take_stand(stand, tick);
            }
        }
        let patience_ticks = self.patience_ticks(status, stand.is_some(), &def.leash, tick);
        if self.pursuit.is_hopeless(feet.distance(target.feet), patience_ticks, tick) {
            return self.give_up(scenery, Quit::Leash);
        }
        self.go(Goal::run(stand.unwrap_or(target.feet), CHASE_M));
    }

    /// How long it follows without coming nearer.
    fn patience_ticks(&self, status: WalkStatus, has_stand: bool, leash: &LeashDef, tick: u32) -> u32 {
        match status {
            WalkStatus::Unreachable if !has_stand => ticks_of(leash.unreachable_ms),
            WalkStatus::OffMesh => ticks_of(leash.unreachable_ms),
            _ if self.walk.is_crowded(tick) => CROWDED_PATIENCE_TICKS,
            _ => ticks_of(leash.timer_ms),
        }
    }

    /// Gives up, unless it has a group: then all decide together.
    fn give_up(&mut self, scenery: &mut Scenery, why: Quit) {
        match &mut self.group {
            Some(group) => {
                group.quit(why);
                self.stay();
            }
            None => self.retreat(scenery),
        }
    }

    /// The fight is over: it forgets everyone and runs home.
    pub(super) fn retreat(&mut self, scenery: &mut Scenery) {
        self.threat.clear();
        *self.mind = Mind::default();
        self.untouchable.set_if_neq(Untouchable(true));
        self.stay();
        self.brain.mood = Mood::Evading { since_tick: scenery.tick.0 };
        if self.casting.0.is_some() {
            scenery.stops.write(StopIntent { caster: *self.id, by: Disturbance::Stops });
        }
    }

    /// Ground distance to its home, or to its beat, in metres.
    fn strayed_m(&self) -> f32 {
        self.rails.strayed_m(self.home.feet, self.position.0)
    }

    fn choose_victim(
        &self,
        scenery: &Scenery,
        def: &MonsterDef,
        assets: &Assets,
        current: Option<SimId>,
    ) -> Option<SimId> {
        let (eyes, rules) = (self.eyes(), &assets.threats[def.threat.id()]);
        self.threat.choose(current, rules, |id| {
            let unit = scenery.units.seen(id, eyes).filter(|unit| unit.alive)?;
            Some(self.rival(scenery, assets, rules, &unit))
        })
    }

    /// How someone who can be attacked stands with it.
    fn rival(&self, scenery: &Scenery, assets: &Assets, rules: &ThreatDef, unit: &TargetView) -> Rival {
        let says = |tag| has_from(self.buffs, assets, unit.id, tag);
        let taunt = match (says(TagId::TAUNT), says(TagId::DETAUNT)) {
            (true, _) => Taunt::Taunt,
            (false, true) => Taunt::Detaunt,
            (false, false) => Taunt::None,
        };
        let entity = scenery.roster.entity(unit.id);
        let suppressed = entity.and_then(|entity| scenery.others.get(entity).ok());
        let online = !suppressed.is_some_and(|(_, tags, ..)| is_suppressed(tags)) && !says(TagId::SUPPRESSED);
        let melee = unit.feet.distance(self.position.0) <= rules.melee_m;
        Rival { standing: Standing { online, taunt }, melee, fixate: says(TagId::FIXATE) }
    }

    pub(super) fn side(&self) -> Side {
        Side { id: *self.id, faction: *self.faction, allegiance: *self.allegiance }
    }

    pub(super) fn eyes(&self) -> Visibility {
        Visibility::of(*self.faction, *self.concealment)
    }

    pub(super) fn view<'a>(&'a self, sides: &'a Sides) -> CasterView<'a> {
        CasterView {
            feet: self.position.0,
            heading: *self.heading,
            side: Side { id: *self.id, faction: *self.faction, allegiance: *self.allegiance },
            sides,
            dead: !self.vitals.is_alive(),
            tags: *self.tags,
            hp: (self.vitals.hp, self.vitals.hp_max),
            mp: (self.mana.mp, self.mana.mp_max),
            combo: self.combo,
            cooldowns: self.cooldowns,
            casting: self.casting.0.is_some(),
            moving: false,
        }
    }
}

pub(super) fn ground_distance_m(one: Vec3, other: Vec3) -> f32 {
    glam::Vec2::new(one.x - other.x, one.z - other.z).length()
}

fn permille(hp: u32, hp_max: u32) -> u32 {
    u32::try_from(u64::from(hp) * 1_000 / u64::from(hp_max.max(1))).unwrap_or(1_000)
}
