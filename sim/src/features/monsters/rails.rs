//! Idle monsters are on rails: where they are and which way they face is a function of the ticks they have been on their
//! [`Course`], never a sum of steps. So those whom nobody can perceive sleep: nothing of them is worked out at all, and
//! whoever comes finds them where they would be if they had never slept.
//! Move: after everyone else has moved, those awake are set where they are now, before anyone looks.
//!
//! **Who sleeps.** A monster on rails whose whole region is farther than [`Neighbourhoods::margin_m`] from everyone who
//! could have to do with it: players and all other viewers, projectiles, areas, and monsters off their rails. The margin
//! is more than the area of interest, any skill, any monster's senses and any call for help reach. So the position of a
//! sleeper, which is the one it fell asleep at, is in nobody's view; in the grid it stands within its own region, where no
//! question that has an asker in the scene ever comes. Regeneration, buffs and cooldowns run for everyone; whoever has buffs
//! on is not asleep, as they might kill it where it is.
//!
//! **What depends on being near** is a rule of the game and not of sleep, as it holds in the same ticks whoever is awake:
//! deeds on patrol are done, pushes count, and a course that becomes another is walked to. Where nobody is near, deeds are
//! left out and a new course is taken at once.
//!
//! **Off the rails** is whoever fights, is pushed or held, or finds its course changed under it. Its clock stands meanwhile:
//! it walks back to the place on its course that it left, and goes on from there.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;
use glam::Vec3;

use super::brain::Brain;
use super::patrol::Patrol;
use super::senses::Neighbourhoods;
use super::{Home, Species, ThreatTable};
use crate::actor::{Asleep, Heading, Motion, Position, Profile};
use crate::assets::{Assets, AttributeId, MonsterDef, TagId};
use crate::digest::{Digest, Digester};
use crate::epoch::EpochSwap;
use crate::features::buffs::{ActiveBuffs, Tags};
use crate::features::combat::Attributes;
use crate::features::navigation::Guided;
use crate::ids::SimId;
use crate::locomotion::{SPEED_BP_NORMAL, body_shape};
use crate::random::Random;
use crate::scene::{SceneAssets, SceneGeometry, SceneNavmesh};
use crate::tick::{SimTick, TICK_SECONDS};

mod beat;
mod course;
mod curve;
mod ground;
mod sleep;

use course::{Course, Walker};
pub(super) use ground::RailGround;
use sleep::Sleepers;

/// So near to the place where it left its course, on the ground, a monster is on it again, in metres.
const JOIN_M: f32 = 0.4;
/// The same in height.
const STOREY_M: f32 = 2.0;

/// Who is kept awake.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Vigilance {
    /// Whoever somebody may perceive.
    #[default]
    Near,
    /// Everyone; what happens is the same, which is what this is for: to show it, and what it costs.
    Always,
}

/// What was worked out for monsters on rails since the scene began. For operators and tests; no part of the state.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RailStats {
    /// Places of monsters.
    pub evaluated: u64,
    /// Legs of strolls.
    pub legs: u64,
    /// Courses.
    pub courses: u64,
}

/// How a monster goes about when nothing is going on. Written in the Move stage.
#[derive(Component, Debug, Clone)]
pub struct Rails {
    on: bool,
    /// On: the tick in which its course began. Off: for how many ticks it had been on it.
    clock: u32,
    /// On: where it was last set. Off: where it comes back to its course.
    feet: Vec3,
    /// Somebody may perceive it, as of the last Move stage.
    near: bool,
    /// Its position is of the last Move stage.
    is_set: bool,
    /// Since when it is off.
    since_tick: u32,
    /// Where it faced when it appeared.
    yaw: f32,
    course_is: Standing,
    course: Option<Box<(Course, Walker, Natural)>>,
}

/// Whether a course is what it would be if it were made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Good,
    /// The game data was exchanged.
    Doubtful,
    /// The ground or the patrol has changed, or there is none yet.
    Outdated,
}

/// What a monster is without modifiers.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Natural {
    speed_bp: i32,
    key: [u32; 6],
}

impl Rails {
    /// On its course from its home, facing `yaw`, as of a tick.
    pub(super) fn new(home: Vec3, yaw: f32, tick: u32) -> Self {
        let (on, near, is_set, course_is) = (true, true, true, Standing::Outdated);
        Self { on, clock: tick, feet: home, near, is_set, since_tick: 0, yaw, course_is, course: None }
    }

    /// Whether it goes about by its course.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Whether somebody may perceive it: always, for one off its rails.
    #[must_use]
    pub const fn is_near(&self) -> bool {
        self.near || !self.on
    }

    /// Where it comes back to its course while it is off, in metres.
    pub(super) const fn return_place(&self) -> Vec3 {
        self.feet
    }

    /// Since which tick it is off.
    pub(super) const fn off_since(&self) -> u32 {
        self.since_tick
    }

    /// To which place of its patrol it comes in a tick.
    pub(super) fn arrives_at(&self, tick: u32) -> Option<usize> {
        self.course.as_ref()?.0.arrives_at(tick.wrapping_sub(self.clock))
    }

    /// Ground distance of a place from home, or from its beat, in metres.
    pub(super) fn strayed_m(&self, home: Vec3, place: Vec3) -> f32 {
        let from_home_m = || super::fight::ground_distance_m(home, place);
        self.course.as_ref().map_or_else(from_home_m, |course| course.0.strayed_m(home, place))
    }

    fn leave(&mut self, ticks: u32, place: Vec3, tick: u32) {
        (self.on, self.clock, self.feet, self.since_tick) = (false, ticks, place, tick);
    }
}

/// Who is on rails, and all that could take it off.
#[derive(QueryData)]
#[query_data(mutable)]
pub(super) struct Rider {
    entity: Entity,
    id: &'static SimId,
    species: &'static Species,
    home: &'static Home,
    patrol: Ref<'static, Patrol>,
    brain: &'static Brain,
    profile: &'static Profile,
    attributes: &'static Attributes,
    tags: &'static Tags,
    buffs: &'static ActiveBuffs,
    threat: &'static ThreatTable,
    rails: &'static mut Rails,
    position: &'static mut Position,
    heading: &'static mut Heading,
    motion: &'static mut Motion,
    guided: &'static mut Guided,
}

/// What rails lie on.
#[derive(SystemParam)]
pub(super) struct Track<'w> {
    tick: Res<'w, SimTick>,
    random: Res<'w, Random>,
    assets: Res<'w, SceneAssets>,
    ground: ResMut<'w, RailGround>,
    stats: ResMut<'w, RailStats>,
}

/// To whom something may have been done.
type Provoked = Or<(Changed<Brain>, Changed<ThreatTable>)>;

/// Think: a sleeper that was given a reason to fight is where it is before it does.
pub(super) fn rouse(mut track: Track, mut riders: Query<Rider, Provoked>) {
    for mut rider in &mut riders {
        let is_asleep = rider.rails.on && !rider.rails.is_set;
        if is_asleep && !(rider.brain.mood.is_idle() && rider.threat.is_empty()) {
            let ticks = track.tick.0.wrapping_sub(1).wrapping_sub(rider.rails.clock);
            rider.rails.is_set = true;
            rider.set(&mut track, ticks);
        }
    }
}

/// Sets idle monsters where they are now, lets those off the rails that have to be, and back on those that are there.
pub(super) fn ride(
    mut commands: Commands,
    mut track: Track,
    (geometry, mesh): (Res<SceneGeometry>, Res<SceneNavmesh>),
    sleepers: Sleepers,
    (mut awake, mut asleep): (Query<Rider, Without<Asleep>>, Query<Rider, With<Asleep>>),
    mut roused: Local<Vec<Entity>>,
) {
    let touched = geometry.is_changed() || mesh.is_changed();
    let is_other_ground = touched && track.ground.follow(&geometry, &mesh);
    let always = *sleepers.vigilance == Vigilance::Always;
    for mut rider in &mut awake {
        rider.go(&mut track, &sleepers.map, always, is_other_ground);
        if let Some(asleep) = rider.sleep() {
            commands.entity(rider.entity).insert(asleep);
        }
    }
    match is_other_ground {
        true => sleepers.everyone(&mut roused),
        false => sleepers.roused(&mut roused),
    }
    roused.sort_unstable();
    roused.dedup();
    for entity in roused.drain(..) {
        let Ok(mut rider) = asleep.get_mut(entity) else { continue };
        rider.go(&mut track, &sleepers.map, always, is_other_ground);
        if rider.sleep().is_none() {
            commands.entity(entity).remove::<Asleep>();
        }
    }
}

impl RiderItem<'_, '_> {
    /// Its tick, whatever it is about.
    fn go(&mut self, track: &mut Track, map: &Neighbourhoods, always: bool, is_other_ground: bool) {
        if is_other_ground || self.patrol.is_changed() {
            self.rails.course_is = Standing::Outdated;
        }
        if self.brain.mood.is_idle() {
            self.ride(track, map, always);
        } else if self.rails.on {
            self.quit(track);
        }
    }

    fn ride(&mut self, track: &mut Track, map: &Neighbourhoods, always: bool) {
        let is_new = self.rails.course.is_none();
        let another = self.rails.course_is != Standing::Good && self.lay(track);
        if !self.rails.on {
            if another {
                self.rails.feet = self.place(track, self.rails.clock).0;
            }
            return self.come_back(track);
        }
        let (was_near, ticks) = (self.rails.near, track.tick.0.wrapping_sub(self.rails.clock));
        if was_near {
            let pushed = self.position.0 != self.rails.feet;
            let place = if pushed || another || self.is_held() { Some(self.place(track, ticks).0) } else { None };
            let moved = place.is_some_and(|place| !joins(self.position.0, place));
            if pushed || self.is_held() || (another && !is_new && moved) {
                let place = place.unwrap_or(self.rails.feet);
                self.rails.leave(ticks, place, track.tick.0);
                self.guided.set_if_neq(Guided(false));
                return;
            }
        }
        let near = self.is_somebody_near(map);
        self.rails.near = near;
        self.rails.is_set = near || always || another || !self.buffs.is_empty();
        if self.rails.is_set {
            self.set(track, ticks);
        }
    }

    /// The tick before this was its last on the rails: it has begun to do something else.
    fn quit(&mut self, track: &mut Track) {
        let ticks = track.tick.0.wrapping_sub(1).wrapping_sub(self.rails.clock);
        if !self.rails.is_set {
            self.rails.feet = self.place(track, ticks).0;
            self.position.set_if_neq(Position(self.rails.feet));
        }
        let place = self.rails.feet;
        self.rails.leave(ticks, place, track.tick.0);
        self.guided.set_if_neq(Guided(false));
    }

    /// Back on the rails where it left them, when it is there and free to go.
    fn come_back(&mut self, track: &mut Track) {
        let falls = self.motion.velocity.y != 0.0;
        if falls || self.is_held() || !joins(self.position.0, self.rails.feet) {
            return;
        }
        let ticks = self.rails.clock;
        (self.rails.on, self.rails.clock) = (true, track.tick.0.wrapping_sub(ticks));
        (self.rails.near, self.rails.is_set) = (true, true);
        self.motion.velocity = Vec3::ZERO;
        self.set(track, ticks);
        if let Some((Course::Stand, walker, _)) = self.rails.course.as_deref() {
            self.heading.set_if_neq(Heading(walker.yaw));
        }
    }

    fn set(&mut self, track: &mut Track, ticks: u32) {
        let (feet, heading) = self.place(track, ticks);
        self.rails.feet = feet;
        self.position.set_if_neq(Position(feet));
        if let Some(heading) = heading {
            self.heading.set_if_neq(Heading(heading));
        }
        self.guided.set_if_neq(Guided(true));
    }

    /// Where its course has it after so many ticks.
    fn place(&mut self, track: &mut Track, ticks: u32) -> (Vec3, Option<f32>) {
        let Track { random, ground, stats, .. } = track;
        let home = self.home.feet;
        let Some((course, walker, _)) = self.rails.course.as_deref_mut() else { return (home, None) };
        course.at(ticks, walker, random, ground, stats)
    }

    fn is_somebody_near(&self, map: &Neighbourhoods) -> bool {
        let Some((course, walker, _)) = self.rails.course.as_deref() else { return true };
        let (min, max) = course.region(walker);
        map.is_near(min, max)
    }

    /// Held, or slower than its course has it. Who is hastened strolls as it always does.
    fn is_held(&self) -> bool {
        let natural = self.rails.course.as_deref().map(|(_, _, natural)| natural.speed_bp);
        let is_slowed = natural.is_some_and(|speed_bp| self.attributes.current(AttributeId::SPEED_BP) < speed_bp);
        is_slowed || [TagId::STUNNED, TagId::ROOTED, TagId::FEARED].into_iter().any(|tag| self.tags.has(tag))
    }

    /// Works out its course if it follows from something else now; true when it does.
    fn lay(&mut self, track: &mut Track) -> bool {
        let assets = track.assets.0.clone();
        let def = &assets.monsters[self.species.0];
        let natural = Natural::of(&assets, def, self.attributes, *self.profile);
        let before = self.rails.course.as_deref();
        let is_same =
            self.rails.course_is == Standing::Doubtful && before.is_some_and(|(.., before)| *before == natural);
        self.rails.course_is = Standing::Good;
        if is_same {
            return false;
        }
        let movement = &assets.movements[self.profile.0];
        let pace_mps = movement.walk_mps * as_part(natural.speed_bp);
        let walker = Walker {
            id: *self.id,
            home: self.home.feet,
            yaw: self.rails.yaw,
            body: body_shape(movement),
            wander_m: def.wander_m,
            pace_m: pace_mps * TICK_SECONDS,
            turn: self.home.slot.filter(|_| self.patrol.is_shared()),
        };
        let course = Course::of(&walker, &self.patrol, &track.random, &mut track.ground);
        track.stats.courses += 1;
        self.rails.course = Some(Box::new((course, walker, natural)));
        true
    }
}

impl Natural {
    fn of(assets: &Assets, def: &MonsterDef, attributes: &Attributes, profile: Profile) -> Self {
        let speed_bp = attributes.with(&[], &assets.attributes).current(AttributeId::SPEED_BP);
        let movement = &assets.movements[profile.0];
        let body = body_shape(movement);
        let metres = [def.wander_m, movement.walk_mps, body.radius_m, body.height_m, body.step_m];
        let mut key = [0; 6];
        key[0] = speed_bp.unsigned_abs();
        key[1..].iter_mut().zip(metres).for_each(|(part, metres)| *part = metres.to_bits());
        Self { speed_bp, key }
    }
}

fn as_part(speed_bp: i32) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "at most 30,000")]
    let speed = speed_bp.clamp(0, 30_000) as f32;
    speed / f32::from(SPEED_BP_NORMAL)
}

fn joins(feet: Vec3, place: Vec3) -> bool {
    super::fight::ground_distance_m(feet, place) <= JOIN_M && (feet.y - place.y).abs() < STOREY_M
}

/// Another epoch of the data: everybody wakes, and every course is looked at again.
pub(super) fn follow_epoch(world: &mut World, _: &EpochSwap) {
    let mut all = world.query::<&mut Rails>();
    for mut rails in all.iter_mut(world) {
        rails.course_is = rails.course_is.max(Standing::Doubtful);
    }
    let mut asleep = world.query_filtered::<Entity, With<Asleep>>();
    let asleep: Vec<Entity> = asleep.iter(world).collect();
    asleep.into_iter().for_each(|entity| {
        world.entity_mut(entity).remove::<Asleep>();
    });
}

/// Of one on rails its place follows from the clock; of a sleeper it says nothing.
impl Digest for Rails {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(u32::from(self.on) | u32::from(self.near) << 1 | (self.course_is as u32) << 2);
        digester.u32(self.clock);
        digester.f32(self.yaw);
        if !self.on {
            self.feet.to_array().into_iter().for_each(|metres| digester.f32(metres));
            digester.u32(self.since_tick);
        }
    }
}
