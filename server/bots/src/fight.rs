//! Fighting: to the nearest living monster, skills as they become ready, loot afterwards, and on to where the
//! game data says that there are more. A dead bot asks to be taken to the spawn point and goes on.

use std::collections::BTreeMap;

use glam::{Vec2, Vec3};
use sim::actor::Kind;
use sim::assets::{Id, SkillDef};
use sim::features::combat::ReleaseCommand;
use sim::features::loot::TakeCommand;
use sim::features::skills::CastCommand;
use sim::ids::SimId;
use sim::intent::CastTarget;
use sim::locomotion::StepInput;
use sim::random::Draw;

mod book;

use crate::behaviour::{Act, Brain, Turn};
use crate::doors::Porter;
use crate::senses::{Seen, Senses};
use crate::walk::{Walker, ground, random_place};
use book::SkillBook;

/// Monsters farther than this are left alone, in metres.
const HUNT_M: f32 = 45.0;
/// Loot farther than this is left behind, in metres.
const LOOT_M: f32 = 12.0;
/// So close loot is picked up, in metres (the rule says 3).
const REACH_M: f32 = 2.0;
/// A pile is asked for once in so many turns (30 s, after which it is anybody's).
const TAKE_AGAIN_TURNS: u32 = 600;
/// A hunting ground not reached in so many turns is given up (40 s).
const HUNT_TURNS: u32 = 800;
/// So close to a hunting ground one looks for another, in metres.
const HUNT_ARRIVED_M: f32 = 8.0;
/// Spawners looked at for the next hunting ground: the one nearest to the centre of the scene is taken, where
/// the weaker monsters are.
const HUNT_CHOICES: u32 = 6;
/// A target out of sight is left alone for so many turns (1.5 s).
const BLOCKED_TURNS: u32 = 30;
/// A monster that cannot be reached is left alone for so many turns (20 s).
const GIVEN_UP_TURNS: u32 = 400;
/// Turns between two looks around for a target or for loot (0.25 s, about as quick as people are).
const LOOK_TURNS: u32 = 5;
/// Facing the target within this is good enough, as the cosine of the angle (20 degrees).
const FACING_COS: f32 = 0.94;
/// Height of eyes above feet, in metres.
const EYES_M: f32 = 1.5;
/// Part of full speed of a step that only turns.
const TURNING_STEP: f32 = 0.05;
/// Part of a skill's range that is used, so that a target may still take a step.
const RANGE_USED: f32 = 0.85;

/// Looks for monsters and fights them.
#[derive(Debug, Default)]
pub(crate) struct Fighter {
    target: Option<SimId>,
    hunt: Option<(Vec2, u32)>,
    walker: Walker,
    porter: Porter,
    book: SkillBook,
    /// Standing still for a cast until this turn.
    casting_until: u32,
    /// Walking on instead of casting until this turn.
    blocked_until: u32,
    pile: Option<SimId>,
    asked: BTreeMap<SimId, u32>,
    /// Monsters that cannot be reached, and since when.
    given_up: BTreeMap<SimId, u32>,
    /// Whether it has asked for its return since it died.
    released: bool,
}

impl Brain for Fighter {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        let Some(vitals) = senses.vitals() else { return Turn::default() };
        if vitals.is_dead() {
            self.target = None;
            self.walker.rest();
            let asks = !std::mem::replace(&mut self.released, true);
            return if asks { Turn::default().and(Act::Release(ReleaseCommand)) } else { Turn::default() };
        }
        self.released = false;
        if senses.turn < self.casting_until {
            return Turn::default();
        }
        match self.choose_target(senses) {
            Some((target, distance_m)) => self.fight(senses, &target, distance_m, draw),
            None => self.loot(senses, draw).unwrap_or_else(|| self.wander(senses, draw)),
        }
    }

    fn looks_at_others(&self) -> bool {
        true
    }

    fn on_rejection(&mut self, reason: &str) {
        match reason {
            "line_of_sight" => self.blocked_until = u32::MAX,
            "no_target" | "wrong_target" => self.target = None,
            _ => {}
        }
        // A cast that never began holds nobody up.
        self.casting_until = 0;
        self.book.refused();
    }
}

impl Fighter {
    /// The present target while it lives and is near, else the nearest one.
    fn choose_target(&mut self, senses: &Senses<'_>) -> Option<(Seen, f32)> {
        let here = senses.position();
        self.given_up.retain(|_, since| senses.turn.saturating_sub(*since) < GIVEN_UP_TURNS);
        let is_prey = |seen: &Seen| seen.is_living_monster() && !self.given_up.contains_key(&seen.id);
        let present = self.target.and_then(|id| senses.other(id)).filter(is_prey);
        let present = present.map(|seen| (seen, seen.position.distance(here))).filter(|&(_, m)| m <= HUNT_M);
        let looks = senses.turn.is_multiple_of(LOOK_TURNS);
        let nearest = || senses.nearest(is_prey).filter(|&(_, m)| m <= HUNT_M);
        let chosen = if looks { present.or_else(nearest) } else { present };
        self.target = chosen.map(|(seen, _)| seen.id);
        chosen
    }

    fn fight(&mut self, senses: &Senses<'_>, target: &Seen, distance_m: f32, draw: &mut Draw) -> Turn {
        if self.blocked_until == u32::MAX {
            self.blocked_until = senses.turn + BLOCKED_TURNS;
        }
        if let Some(turn) = self.heal(senses) {
            return turn;
        }
        let mana = senses.mana().map_or(0, |mana| mana.mp);
        let harmful = |skill: &SkillDef| book::is_harmful(skill);
        let in_range = |skill: &SkillDef| distance_m <= skill.target.reach_m() * RANGE_USED;
        let usable = self.book.ready(senses, mana, |skill| harmful(skill) && in_range(skill));
        let near_enough = self.book.known(senses).any(|(_, skill)| harmful(skill) && in_range(skill));
        let eyes = Vec3::Y * EYES_M;
        let sees = || senses.geometry.line_is_clear(senses.position() + eyes, target.position + eyes);
        if !near_enough || !sees() || senses.turn < self.blocked_until {
            let step = self.walker.towards(senses, ground(target.position), draw);
            if self.walker.is_stranded() {
                self.given_up.insert(target.id, senses.turn);
            }
            return self.porter.turn(senses, step, draw);
        }
        self.walker.rest();
        if let Some(turning) = turn_towards(senses, target.position) {
            return Turn::step(turning);
        }
        match usable {
            Some((id, skill)) => self.cast(senses, id, skill, CastTarget::Unit(target.id)),
            None => Turn::default(),
        }
    }

    fn heal(&mut self, senses: &Senses<'_>) -> Option<Turn> {
        let vitals = senses.vitals()?;
        if vitals.hp * 2 > vitals.hp_max {
            return None;
        }
        let mana = senses.mana().map_or(0, |mana| mana.mp);
        let (id, skill) = self.book.ready(senses, mana, book::is_healing)?;
        Some(self.cast(senses, id, skill, CastTarget::Caster))
    }

    fn cast(&mut self, senses: &Senses<'_>, id: Id<SkillDef>, skill: &SkillDef, target: CastTarget) -> Turn {
        self.book.asked(senses);
        // Two ticks for the way there and back; a step too early would break the cast off.
        self.casting_until = senses.turn + skill.cast_ticks() + 2;
        Turn::default().and(Act::Cast(CastCommand { skill: id, target }))
    }

    fn loot(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Option<Turn> {
        let now = senses.turn;
        self.asked.retain(|_, asked| now.saturating_sub(*asked) < TAKE_AGAIN_TURNS);
        if now.is_multiple_of(LOOK_TURNS) {
            let is_new = |seen: &Seen| seen.kind == Kind::Loot && !self.asked.contains_key(&seen.id);
            let nearest = senses.nearest(is_new).filter(|&(_, distance_m)| distance_m <= LOOT_M);
            self.pile = nearest.map(|(pile, _)| pile.id);
        }
        let pile = senses.other(self.pile?)?;
        let distance_m = pile.position.distance(senses.position());
        if distance_m > REACH_M {
            return Some(Turn::step(self.walker.towards(senses, ground(pile.position), draw)));
        }
        self.asked.insert(pile.id, now);
        self.pile = None;
        Some(Turn::default().and(Act::Take(TakeCommand { pile: pile.id })))
    }

    fn wander(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        let here = senses.position();
        let goes_on = |&(place, since): &(Vec2, u32)| {
            let is_there = place.distance(ground(here)) <= HUNT_ARRIVED_M || self.walker.is_stranded();
            !is_there && senses.turn.saturating_sub(since) < HUNT_TURNS
        };
        let (place, _) = *match self.hunt.take_if(|hunt| goes_on(hunt)) {
            Some(hunt) => self.hunt.insert(hunt),
            None => self.hunt.insert((hunting_ground(senses, draw), senses.turn)),
        };
        let step = self.walker.towards(senses, place, draw);
        self.porter.turn(senses, step, draw)
    }
}

fn hunting_ground(senses: &Senses<'_>, draw: &mut Draw) -> Vec2 {
    let spawners = &senses.scene.spawners;
    let count = u32::try_from(spawners.len()).unwrap_or(u32::MAX);
    let choices = (0..HUNT_CHOICES).filter_map(|_| spawners.get(draw.below(count) as usize));
    let nearest = choices.map(|spawner| Vec2::from(spawner.at)).min_by(|a, b| a.length().total_cmp(&b.length()));
    nearest.unwrap_or_else(|| random_place(&senses.scene.bounds, draw))
}

/// A step that turns towards a place, or `None` when the character faces it already.
fn turn_towards(senses: &Senses<'_>, place: Vec3) -> Option<StepInput> {
    let direction = ground(place - senses.position()).normalize_or_zero();
    let faces = direction == Vec2::ZERO || senses.facing.dot(direction) >= FACING_COS;
    (!faces).then_some(StepInput { wish: direction * TURNING_STEP, walk: true })
}
