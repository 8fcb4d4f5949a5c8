//! What monsters notice. Everyone who could have to do with a monster is entered into a coarse map once a tick (Move);
//! a monster that nobody in it is near does not look. The others look around every fifth tick, in turns by id, for
//! the nearest living player in their circle that is neither hidden, nor too high or low, nor behind a wall, nor where
//! it can do nothing to them.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::brain::{Brain, HelpCall, Mood};
use super::rails::{Rails, Vigilance};
use super::tactics::longest_reach_m;
use super::{Species, ThreatTable};
use crate::actor::{Asleep, Concealment, Position};
use crate::assets::{Assets, Deed, Id, MonsterDef, SceneDef, SkillTarget};
use crate::epoch::EpochSwap;
use crate::features::combat::{Level, SideData, Sides};
use crate::features::navigation::{Reach, Wayfinding};
use crate::features::players::Player;
use crate::features::skills::{InFlight, Lasting, TargetView, Units};
use crate::ids::SimId;
use crate::interest::{Interest, Visibility};
use crate::scene::{SceneAssets, SceneGeometry, SceneId};
use crate::space::Geometry;
use crate::tick::SimTick;

/// Ticks between two looks of one monster.
pub const SENSE_TICKS: u32 = 5;
/// Least edge of a square of the map, in metres.
const SQUARE_M_MIN: f32 = 50.0;
/// Most squares along a side of the map; in a scene that has more they are larger.
const SQUARES_MAX: f32 = 256.0;
/// What a finished cast may reach beyond a skill's range, as a factor.
const REACH_TOLERANCE: f32 = 1.1;
/// What the margin has more than anything reaches, in metres: what anyone moves in a few ticks, and heights of slopes.
const SPARE_M: f32 = 25.0;
/// Height of eyes above feet, in metres.
const EYES_M: f32 = 1.5;
/// Threat of having been seen, in thousandths of a point.
pub(super) const SEEN_MILLI: i64 = 1_000;

/// How many of those who could have to do with a monster are where, in coarse squares. Written in the Move stage, when
/// everyone has moved.
#[derive(Resource, Debug)]
pub struct Neighbourhoods {
    min: Vec2,
    square_m: f32,
    columns: usize,
    rows: usize,
    /// How many there are in all squares before a column and before a row: (columns + 1) x (rows + 1).
    before: Vec<u32>,
    margin_m: f32,
    /// The squares of all of them, now and in the tick before.
    taken: Vec<u32>,
    taken_before: Vec<u32>,
    has_changed: bool,
}

impl FromWorld for Neighbourhoods {
    fn from_world(world: &mut World) -> Self {
        let (scene, assets) = (world.resource::<SceneId>().0, &world.resource::<SceneAssets>().0);
        Self::of(assets, scene)
    }
}

impl Neighbourhoods {
    fn of(assets: &Assets, scene: Id<SceneDef>) -> Self {
        let bounds = assets.scenes[scene].bounds;
        let (min, max) = (Vec2::from(bounds.min), Vec2::from(bounds.max));
        let square_m = SQUARE_M_MIN.max((max - min).max_element() / SQUARES_MAX);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 256")]
        let count = |length_m: f32| (length_m / square_m).ceil().clamp(1.0, SQUARES_MAX) as usize;
        let (columns, rows) = (count(max.x - min.x), count(max.y - min.y));
        let before = vec![0; (columns + 1) * (rows + 1)];
        let margin_m = margin_m(assets, scene);
        let (taken, taken_before, has_changed) = (Vec::new(), Vec::new(), true);
        Self { min, square_m, columns, rows, before, margin_m, taken, taken_before, has_changed }
    }

    /// How near somebody must be to a place where a monster may be for it to be awake, at least, in metres: farther than
    /// anyone sees, senses, reaches or calls.
    #[must_use]
    pub const fn margin_m(&self) -> f32 {
        self.margin_m
    }

    /// True when somebody is within the margin of a rectangle on the ground; now and then when somebody is a little
    /// farther off.
    #[must_use]
    pub fn is_near(&self, min: Vec2, max: Vec2) -> bool {
        let (left, bottom) = self.square(min - self.margin_m);
        let (right, top) = self.square(max + self.margin_m);
        let before = |column: usize, row: usize| self.before[row * (self.columns + 1) + column];
        let within = before(right + 1, top + 1) + before(left, bottom);
        within > before(left, top + 1) + before(right + 1, bottom)
    }

    /// Whether anybody has come, gone or moved to another square in this tick.
    #[must_use]
    pub const fn has_changed(&self) -> bool {
        self.has_changed
    }

    fn take(&mut self, places: impl Iterator<Item = Vec2>) {
        let width = self.columns + 1;
        let mut taken = std::mem::take(&mut self.taken_before);
        taken.clear();
        taken.extend(places.map(|place| {
            let (column, row) = self.square(place);
            u32::try_from((row + 1) * width + column + 1).unwrap_or(0)
        }));
        self.taken_before = std::mem::replace(&mut self.taken, taken);
        self.has_changed = self.taken != self.taken_before;
        if !self.has_changed {
            return;
        }
        self.before.fill(0);
        for &square in &self.taken {
            self.before[square as usize] += 1;
        }
        for row in 1..=self.rows {
            let mut of_row = 0;
            for at in row * width..(row + 1) * width {
                of_row += self.before[at];
                self.before[at] = of_row + self.before[at - width];
            }
        }
    }

    fn square(&self, place: Vec2) -> (usize, usize) {
        let local = (place - self.min) / self.square_m;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; NaN becomes 0")]
        let clamp = |value: f32, count: usize| (value as usize).min(count - 1);
        (clamp(local.x, self.columns), clamp(local.y, self.rows))
    }
}

/// The farthest that anyone sees, senses or reaches, and from there on whoever is called.
fn margin_m(assets: &Assets, scene: Id<SceneDef>) -> f32 {
    let skills = assets.skills.iter().map(|(_, skill)| match skill.target {
        SkillTarget::Chain { range_m, jumps, jump_m, .. } => range_m + f32::from(jumps) * jump_m,
        _ => skill.target.reach_m() * REACH_TOLERANCE,
    });
    let areas = assets.areas.iter().map(|(_, area)| area.radius_m);
    let reach_m = skills.fold(0.0, f32::max) + areas.fold(0.0, f32::max);
    let (mut senses_m, mut calls_m) = (0.0_f32, 0.0_f32);
    let mut heed = |deed: &Deed| {
        if let Deed::CallForHelp { radius_m } = deed {
            calls_m = calls_m.max(*radius_m);
        }
    };
    for (_, monster) in assets.monsters.iter() {
        let levels_m = monster.senses.limits_m.1.min(monster.leash.radius_m);
        senses_m = senses_m.max(monster.senses.aggro_m).max(levels_m);
        monster.phases.iter().flat_map(|phase| &phase.deeds).for_each(&mut heed);
    }
    assets.ai.iter().for_each(|(_, ai)| ai.tree().deeds().for_each(&mut heed));
    let assists = assets.monsters.iter().map(|(_, monster)| monster.senses.assist_m);
    let calls_m = assists.fold(calls_m, f32::max);
    assets.scenes[scene].aoi.leave_m.max(reach_m).max(senses_m) + calls_m + SPARE_M
}

/// Another epoch of the data: reaches may be others.
pub(super) fn follow_epoch(world: &mut World, swap: &EpochSwap) {
    let margin_m = margin_m(&swap.new, world.resource::<SceneId>().0);
    let mut map = world.resource_mut::<Neighbourhoods>();
    map.margin_m = margin_m;
    // Whoever was far off may be near now.
    map.taken.clear();
}

type Neighbour = Or<(With<Player>, With<Interest>, With<InFlight>, With<Lasting>)>;

/// Players and other viewers, what flies and what lies about, and living monsters off their rails.
pub(super) fn map_neighbours(
    mut map: ResMut<Neighbourhoods>,
    neighbours: Query<&Position, Neighbour>,
    monsters: Query<(&Position, &Rails, &Brain), Without<Asleep>>,
) {
    let active = |(_, rails, brain): &(&Position, &Rails, &Brain)| match brain.mood {
        Mood::Idle => !rails.is_on(),
        Mood::Dead { .. } => false,
        Mood::Fighting { .. } | Mood::Evading { .. } | Mood::Arrived => true,
    };
    let monsters = monsters.iter().filter(active).map(|(position, ..)| position.place());
    map.take(neighbours.iter().map(|position| position.place()).chain(monsters));
}

type Onlooker<'a> =
    (SideData, (&'a Species, &'a Level, &'a Rails), &'a Position, &'a Concealment, &'a mut Brain, &'a mut ThreatTable);

pub(super) fn look_out(
    tick: Res<SimTick>,
    vigilance: Res<Vigilance>,
    (assets, geometry, sides): (Res<SceneAssets>, Res<SceneGeometry>, Res<Sides>),
    (units, way): (Units, Wayfinding),
    mut monsters: Query<Onlooker, Without<Asleep>>,
    mut calls: MessageWriter<HelpCall>,
) {
    for (side, (species, level, rails), position, concealment, mut brain, mut threat) in &mut monsters {
        let side = side.side();
        let id = side.id;
        let turn = tick.0 as usize + id.index();
        let is_awake = rails.is_near() || *vigilance == Vigilance::Always;
        if !brain.mood.is_idle() || !is_awake || !turn.is_multiple_of(SENSE_TICKS as usize) {
            continue;
        }
        let def = &assets.0.monsters[species.0];
        let eyes = Visibility::of(side.faction, *concealment);
        // Whom it can neither come near to nor reach from afar it lets be; else it would be off and back for ever.
        let worth_it = |feet: Vec3| match way.reach(position.0, feet) {
            Reach::Reachable | Reach::Unknown => true,
            Reach::Unreachable | Reach::OffMesh => position.0.distance(feet) <= longest_reach_m(def, &assets.0),
        };
        if let Some(victim) = nearest_player(&units, *position, eyes, (def, level.0), &geometry.0, |unit| {
            sides.is_enemy(side, unit.side) && worth_it(unit.feet)
        }) {
            threat.add(victim, SEEN_MILLI);
            brain.mood = Mood::Fighting { victim };
            calls.write(HelpCall { caller: id, victim, radius_m: None });
        }
    }
}

fn nearest_player(
    units: &Units,
    position: Position,
    eyes: Visibility,
    (def, level): (&MonsterDef, u16),
    geometry: &Geometry,
    worth_it: impl Fn(&TargetView) -> bool,
) -> Option<SimId> {
    let (senses, most_m) = (&def.senses, def.aggro_most_m(level));
    if most_m <= 0.0 {
        return None;
    }
    let mut near: Vec<(f32, TargetView)> = Vec::new();
    units.for_each_near(position.place(), most_m, eyes.phase, |unit, distance_squared| {
        let is_level = (unit.feet.y - position.0.y).abs() <= senses.z_m;
        if unit.side.allegiance.player && is_level && distance_squared <= def.aggro_m(level, unit.level).powi(2) {
            near.push((distance_squared, unit));
        }
    });
    near.sort_by(|(a, one), (b, other)| a.total_cmp(b).then(one.id.cmp(&other.id)));
    let up = Vec3::Y * EYES_M;
    let noticed = |unit: &TargetView| {
        units.seen(unit.id, eyes).is_some() && (!senses.los || geometry.line_is_clear(position.0 + up, unit.feet + up))
    };
    near.into_iter().map(|(_, unit)| unit).find(|unit| noticed(unit) && worth_it(unit)).map(|unit| unit.id)
}
