//! Think: fighting. A monster turns to whom it hates most, comes as near as its skills need, and gives up when its
//! victim is lost, its home too far, or no way leads to a victim that no skill reaches.

use super::brain::{HelpCall, Mood};
use super::decide::{Scenery, ThinkerItem};
use super::tactics::{Choice, Situation, longest_reach_m};
use crate::assets::{Assets, MonsterDef, TagId};
use crate::features::combat::{Side, Sides, Untouchable};
use crate::features::navigation::{Goal, WalkStatus};
use crate::features::skills::{CasterView, StopIntent, TargetView};
use crate::ids::SimId;
use crate::intent::CastIntent;
use crate::interest::Visibility;
use bevy_ecs::prelude::*;
use glam::Vec3;

/// Ticks between two reconsiderations of the victim (1 s).
const RECONSIDER_TICKS: u32 = 20;
/// Within this distance of a victim a rival counts as in melee range, in metres.
const MELEE_M: f32 = 5.0;
/// Ticks without coming nearer to its victim after which a monster takes it to be out of reach (10 s).
const PATIENCE_TICKS: u32 = 200;
/// The same for a victim that stands where nobody can walk (2 s).
const OFF_MESH_PATIENCE_TICKS: u32 = 40;
/// The same for a monster that others of its kind keep from its victim (60 s): its turn will come.
const CROWDED_PATIENCE_TICKS: u32 = 1_200;
/// So near to its victim a monster ends its walk, in metres; its skills stop it earlier.
const CHASE_M: f32 = 0.5;
/// A place counts as within a skill's reach up to this part of it.
const REACH_PART: f32 = 0.9;

impl ThinkerItem<'_, '_> {
    /// Someone hurt it: it turns to whom it hates most and calls for help.
    pub(super) fn rise(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets) {
        let Some(victim) = self.choose_victim(scenery, None) else {
            self.threat.clear();
            return;
        };
        self.brain.mood = Mood::Fighting { victim };
        self.stay();
        scenery.calls.write(HelpCall { caller: *self.id, victim });
        self.fight(scenery, def, assets, victim);
    }

    pub(super) fn fight(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets, victim: SimId) {
        let tick = scenery.tick.0;
        let Some(target) = self.find_victim(scenery, def, victim) else { return self.give_up(scenery) };
        if target.id != victim {
            self.brain.mood = Mood::Fighting { victim: target.id };
        }
        if self.tags.has(TagId::STUNNED) {
            return;
        }
        let situation = Situation {
            tick,
            assets,
            geometry: &scenery.geometry.0,
            def,
            view: self.view(&scenery.sides),
            vitals: *self.vitals,
            buffs: self.buffs,
            victim: target,
        };
        let facing = situation.facing();
        let choice = if self.casting.0.is_some() { Choice::Hold } else { situation.choose() };
        if choice == Choice::Approach {
            return self.approach(scenery, def, assets, target);
        }
        self.stay();
        self.heading.set_if_neq(facing);
        if let Choice::Cast(skill, target) = choice {
            scenery.casts.write(CastIntent { caster: *self.id, skill, target });
        }
    }

    /// Whom it fights from now on; `None` when there is nobody, or home is too far.
    fn find_victim(&self, scenery: &Scenery, def: &MonsterDef, victim: SimId) -> Option<TargetView> {
        let eyes = self.eyes();
        let turn = scenery.tick.0 as usize + self.id.index();
        let there = scenery.units.seen(victim, eyes).filter(|unit| unit.alive);
        let reconsiders = there.is_none() || turn.is_multiple_of(RECONSIDER_TICKS as usize);
        let chosen = if reconsiders { self.choose_victim(scenery, Some(victim)) } else { Some(victim) };
        let seen = chosen.and_then(|id| scenery.units.seen(id, eyes));
        seen.filter(|_| self.strayed_m() <= def.leash_m)
    }

    /// Comes nearer. Where no way leads it attacks from the nearest place that will do, or gives up at once.
    fn approach(&mut self, scenery: &mut Scenery, def: &MonsterDef, assets: &Assets, target: TargetView) {
        let (tick, feet) = (scenery.tick.0, self.position.0);
        let status = self.walk_to.0.map_or(WalkStatus::Standing, |_| self.walk.status());
        let patience_ticks = match status {
            WalkStatus::OffMesh => OFF_MESH_PATIENCE_TICKS,
            _ if self.walk.is_crowded(tick) => CROWDED_PATIENCE_TICKS,
            _ => PATIENCE_TICKS,
        };
        if self.pursuit.is_hopeless(feet.distance(target.feet), patience_ticks, tick) {
            return self.give_up(scenery);
        }
        let mut to = self.pursuit.stand(tick).unwrap_or(target.feet);
        if status == WalkStatus::Unreachable {
            let reach_m = longest_reach_m(def, assets) * REACH_PART;
            let stand = scenery.way.nearest_reachable(feet, target.feet);
            let Some(stand) = stand.filter(|stand| stand.distance(target.feet) <= reach_m) else {
                return self.give_up(scenery);
            };
            self.pursuit.take_stand(stand, tick);
            to = stand;
        }
        self.go(Goal::run(to, CHASE_M));
    }

    /// The fight is over: it forgets everyone and runs home.
    pub(super) fn give_up(&mut self, scenery: &mut Scenery) {
        self.threat.clear();
        self.untouchable.set_if_neq(Untouchable(true));
        self.patrol.leave(self.position.0);
        self.stay();
        self.brain.mood = Mood::Evading { since_tick: scenery.tick.0 };
        if self.casting.0.is_some() {
            scenery.stops.write(StopIntent { caster: *self.id });
        }
    }

    /// Ground distance to its home, or to its beat, in metres.
    fn strayed_m(&self) -> f32 {
        let base = self.patrol.nearest(self.position.0).unwrap_or(self.home.feet);
        ground_distance_m(self.position.0, base)
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

    fn view<'a>(&'a self, sides: &'a Sides) -> CasterView<'a> {
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
