//! A designer's test, played: its units enter an empty scene, its deeds are done tick by tick, and every expectation
//! is judged at its time. Players act through commands, as clients do; everything else decides for itself.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::bout::challenge;
use super::{Laboratory, entity_of};
use crate::actor::{Heading, Position};
use crate::assets::designer_tests::{Aim, Deed, GivenUnit, TestDef, UnitKind};
use crate::assets::{Assets, Disappointment, EffectDef, Id, ticks_of};
use crate::command::{ClientCommand, CommandLists};
use crate::features::combat::{EffectAction, EffectQueued, Origin, Vitals};
use crate::features::monsters::AiTrace;
use crate::features::skills::{CastCommand, StopCastCommand};
use crate::ids::{PlayerId, SimId};
use crate::input::{Character, InputProgress, Players, SceneInput};
use crate::intent::CastTarget;
use crate::locomotion::StepInput;
use crate::scene::Scene;

mod judge;
mod watch;

use watch::Watch;

/// How near a walker must come to where it was sent, in metres.
const ARRIVED_M: f32 = 0.4;

impl Laboratory {
    /// Plays a test; gives the expectations that did not come true, in their order.
    #[must_use]
    pub fn trial(&self, test: Id<crate::assets::TestDef>) -> Vec<Disappointment> {
        let assets = self.assets();
        let def = &assets.tests[test];
        let mut trial = Trial::prepare(self.scene(def.seed), assets, def);
        trial.judge_due(0);
        for tick in 0..ticks_of(def.run_ms) {
            trial.act(tick);
            trial.scene.tick();
            trial.watch.look(trial.scene.world(), tick + 1);
            trial.judge_due(tick + 1);
        }
        trial.failed.sort_by_key(|failed| failed.expectation);
        trial.failed
    }
}

/// A unit on the stage.
struct Unit<'t> {
    given: &'t GivenUnit,
    id: SimId,
    /// Of a player's character.
    player: Option<u64>,
    /// Where it has been sent.
    walks_to: Option<Vec2>,
}

/// A test under way.
struct Trial<'t> {
    scene: Scene,
    assets: &'t Assets,
    def: &'t TestDef,
    units: Vec<Unit<'t>>,
    watch: Watch,
    failed: Vec<Disappointment>,
    sequence: u32,
}

impl<'t> Trial<'t> {
    /// Everyone takes their place; two ticks pass in which they are admitted and effects come upon them.
    fn prepare(mut scene: Scene, assets: &'t Assets, def: &'t TestDef) -> Self {
        let mut units: Vec<Unit<'t>> = Vec::new();
        for (given, number) in def.given.iter().zip(1..) {
            let (id, player) = enter(&mut scene, assets, given, number);
            units.push(Unit { given, id, player, walks_to: None });
        }
        scene.world_mut().resource_mut::<AiTrace>().watched.extend(units.iter().map(|unit| unit.id));
        let mut trial = Self { scene, assets, def, units, watch: Watch::default(), failed: Vec::new(), sequence: 0 };
        for index in 0..trial.units.len() {
            let (given, id) = (trial.units[index].given, trial.units[index].id);
            for effect in &given.effects {
                apply(trial.scene.world_mut(), effect.id(), id, id);
            }
        }
        trial.scene.tick();
        for index in 0..trial.units.len() {
            let (given, id) = (trial.units[index].given, trial.units[index].id);
            set_down(trial.scene.world_mut(), id, given.at, Some(given.yaw_deg));
            set_hp(trial.scene.world_mut(), id, given.hp_pct);
        }
        trial.send_champions();
        trial.watch.skip(trial.scene.world());
        trial
    }

    /// Who is played by a class's tree goes for everyone of the other side.
    fn send_champions(&mut self) {
        let is_friend = |unit: &Unit<'_>| matches!(unit.given.is, UnitKind::Player(_) | UnitKind::Champion(_));
        let is_sent = |unit: &Unit<'_>| matches!(unit.given.is, UnitKind::Champion(_) | UnitKind::Foe(_));
        for champion in self.units.iter().filter(|unit| is_sent(unit)) {
            for other in self.units.iter().filter(|other| is_friend(other) != is_friend(champion)) {
                challenge(self.scene.world_mut(), champion.id, other.id);
            }
        }
    }

    fn id(&self, name: &str) -> SimId {
        self.units.iter().find(|unit| unit.given.unit == name).map_or(SimId::from_bits(0), |unit| unit.id)
    }

    /// What is done in the tick after so many.
    fn act(&mut self, tick: u32) {
        for timed in self.def.deeds.iter().filter(|timed| ticks_of(timed.at_ms) == tick) {
            self.carry_out(&timed.deed);
        }
        for index in 0..self.units.len() {
            self.walk_on(index);
        }
    }

    fn carry_out(&mut self, deed: &Deed) {
        match deed {
            Deed::Cast { unit, skill, target } => {
                let target = match target {
                    Aim::Caster => CastTarget::Caster,
                    Aim::Unit(name) => CastTarget::Unit(self.id(name)),
                    Aim::Ground(x, z) => CastTarget::Ground(Vec3::new(*x, 0.0, *z)),
                };
                self.command(unit, &CastCommand { skill: skill.id(), target });
            }
            Deed::StopCast { unit } => self.command(unit, &StopCastCommand),
            Deed::Walk { unit, to } => {
                let found = self.units.iter_mut().find(|own| own.given.unit == *unit);
                found.into_iter().for_each(|own| own.walks_to = Some(Vec2::from(*to)));
            }
            Deed::Place { unit, at } => {
                let id = self.id(unit);
                set_down(self.scene.world_mut(), id, *at, None);
            }
            Deed::Apply { unit, effect, from } => {
                let target = self.id(unit);
                let source = from.as_ref().map_or(target, |from| self.id(from));
                apply(self.scene.world_mut(), effect.id(), source, target);
            }
            Deed::SetHp { unit, pct } => {
                let id = self.id(unit);
                set_hp(self.scene.world_mut(), id, *pct);
            }
            Deed::Kill { unit, by } => {
                let (target, source) = (self.id(unit), self.id(by));
                kill(self.scene.world_mut(), source, target);
            }
        }
    }

    fn command<C: ClientCommand>(&mut self, unit: &str, command: &C) {
        let lists = self.scene.world().resource::<CommandLists>();
        let player = self.units.iter().find(|own| own.given.unit == unit).and_then(|own| own.player);
        if let (Some(kind), Some(player)) = (lists.kind_of(C::NAME), player) {
            self.sequence += 1;
            self.watch.asked.insert((PlayerId(player), self.sequence), unit.to_owned());
            let body = command.encode();
            self.scene.push(SceneInput::Command { player, sequence: self.sequence, kind, body });
        }
    }

    /// Another step of who has been sent somewhere, as an honest client sends it.
    fn walk_on(&mut self, index: usize) {
        let Unit { id, player: Some(player), walks_to: Some(to), .. } = self.units[index] else { return };
        let Some(entity) = entity_of(self.scene.world_mut(), id) else { return };
        let (Some(position), Some(progress)) = (entity.get::<Position>(), entity.get::<InputProgress>()) else {
            return;
        };
        let (place, progress) = (position.place(), *progress);
        let way = to - place;
        if way.length() <= ARRIVED_M {
            self.units[index].walks_to = None;
        }
        let wish = if way.length() <= ARRIVED_M { Vec2::ZERO } else { way.normalize_or_zero() };
        let (x, z) = StepInput { wish, walk: false }.to_wire();
        #[allow(clippy::cast_possible_truncation, reason = "a place within 100 m")]
        let claim_cm = ((place.x * 100.0) as i32, (place.y * 100.0) as i32);
        self.scene.push(SceneInput::Steps {
            player,
            forced_epoch: progress.forced_epoch,
            first_sequence: progress.applied_sequence + 1,
            steps: [(x, z, 0)].into_iter().collect(),
            claim_cm,
        });
    }
}

/// Brings a unit into the scene; gives its id and, for a player's character, its player.
fn enter(scene: &mut Scene, assets: &Assets, given: &GivenUnit, number: u64) -> (SimId, Option<u64>) {
    let place = Vec2::from(given.at);
    match &given.is {
        UnitKind::Player(class) => {
            let class = assets.classes[class.id()].id.clone();
            let character = Character { name: given.unit.clone(), class, parts: Vec::new() };
            scene.push(SceneInput::Join { player: number, character, spawn_point: None });
            scene.tick();
            let players = &scene.world().resource::<Players>().0;
            let id = players.get(&PlayerId(number)).map_or(SimId::from_bits(0), |(id, _)| *id);
            set_down(scene.world_mut(), id, given.at, Some(given.yaw_deg));
            (id, Some(number))
        }
        UnitKind::Champion(class) => (super::champion(scene.world_mut(), class.id(), given.level, 0, place), None),
        UnitKind::Foe(class) => (super::champion(scene.world_mut(), class.id(), given.level, 1, place), None),
        UnitKind::Monster(monster) => (super::monster(scene.world_mut(), monster.id(), given.level, place), None),
    }
}

fn set_down(world: &mut World, id: SimId, (x, z): (f32, f32), yaw_deg: Option<f32>) {
    let Some(mut entity) = entity_of(world, id) else { return };
    entity.insert(Position(Vec3::new(x, 0.0, z)));
    if let Some(yaw_deg) = yaw_deg {
        entity.insert(Heading(yaw_deg.to_radians()));
    }
}

fn set_hp(world: &mut World, id: SimId, pct: u32) {
    let vitals = entity_of(world, id).and_then(EntityWorldMut::into_mut::<Vitals>);
    if let Some(mut vitals) = vitals.filter(|vitals| pct < 100 && vitals.is_alive()) {
        vitals.hp = u32::try_from(u64::from(vitals.hp_max) * u64::from(pct) / 100).unwrap_or(0).max(1);
    }
}

fn apply(world: &mut World, effect: Id<EffectDef>, source: SimId, target: SimId) {
    queue(world, source, target, EffectAction::Apply { effect, chance_pct: 100 });
}

/// A blow a thousand times as strong as any: only what makes invulnerable stands before it.
fn kill(world: &mut World, source: SimId, target: SimId) {
    let school = crate::assets::School::Physical;
    queue(world, source, target, EffectAction::Damage { formula: None, school, coef: 1_000_000 });
}

fn queue(world: &mut World, source: SimId, target: SimId, what: EffectAction) {
    let Some(worth) = worth_of(world, source) else { return };
    let (origin, periodic, depth) = (Origin::World, false, 0);
    world.write_message(EffectQueued { source, target, worth, what, origin, periodic, depth });
}

fn worth_of(world: &mut World, id: SimId) -> Option<crate::features::combat::Worth> {
    let entity = entity_of(world, id)?;
    let faction = *entity.get::<crate::actor::Faction>()?;
    let level = *entity.get::<crate::features::combat::Level>()?;
    Some(entity.get::<crate::features::combat::Attributes>()?.worth(level, faction))
}
