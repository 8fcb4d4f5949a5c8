//! What monsters notice. Players are entered into a coarse map once a tick; a monster with none of them in its
//! own or a neighbouring square (100 m) sleeps. The others look around every fifth tick, in turns by id, for
//! the nearest living player in their circle that is neither hidden, nor too high or low, nor behind a wall, nor where
//! it can do nothing to them.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::brain::{Brain, HelpCall, Mood};
use super::tactics::longest_reach_m;
use super::{Species, ThreatTable};
use crate::actor::{Concealment, Position};
use crate::assets::MonsterDef;
use crate::features::combat::{Level, SideData, Sides};
use crate::features::navigation::{Reach, Wayfinding};
use crate::features::players::Player;
use crate::features::skills::{TargetView, Units};
use crate::ids::SimId;
use crate::interest::Visibility;
use crate::scene::{SceneAssets, SceneGeometry, SceneId};
use crate::space::Geometry;
use crate::tick::SimTick;

/// Ticks between two looks of one monster.
pub const SENSE_TICKS: u32 = 5;
/// Edge of a square of the map of players, in metres.
const SQUARE_M: f32 = 100.0;
/// Height of eyes above feet, in metres.
const EYES_M: f32 = 1.5;
/// Threat of having been seen, in thousandths of a point.
pub(super) const SEEN_MILLI: i64 = 1_000;

/// In which squares of 100 m there are players. Written at the start of the Think stage.
#[derive(Resource, Debug)]
pub struct Neighbourhoods {
    min: Vec2,
    columns: usize,
    rows: usize,
    inhabited: Vec<bool>,
}

impl FromWorld for Neighbourhoods {
    fn from_world(world: &mut World) -> Self {
        let scene = world.resource::<SceneId>().0;
        let bounds = world.resource::<SceneAssets>().0.scenes[scene].bounds;
        let (min, max) = (Vec2::from(bounds.min), Vec2::from(bounds.max));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to a few thousand")]
        let count = |length_m: f32| (length_m / SQUARE_M).ceil().clamp(1.0, 4_096.0) as usize;
        let (columns, rows) = (count(max.x - min.x), count(max.y - min.y));
        Self { min, columns, rows, inhabited: vec![false; columns * rows] }
    }
}

impl Neighbourhoods {
    /// True when a player is in the square of a place or in one beside it.
    #[must_use]
    pub fn is_awake(&self, place: Vec2) -> bool {
        let (column, row) = self.square(place);
        let rows = row.saturating_sub(1)..=(row + 1).min(self.rows - 1);
        let columns = column.saturating_sub(1)..=(column + 1).min(self.columns - 1);
        rows.into_iter().any(|row| columns.clone().any(|column| self.inhabited[row * self.columns + column]))
    }

    fn square(&self, place: Vec2) -> (usize, usize) {
        let local = (place - self.min) / SQUARE_M;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; NaN becomes 0")]
        let clamp = |value: f32, count: usize| (value as usize).min(count - 1);
        (clamp(local.x, self.columns), clamp(local.y, self.rows))
    }
}

pub(super) fn map_players(mut map: ResMut<Neighbourhoods>, players: Query<&Position, With<Player>>) {
    map.inhabited.fill(false);
    for position in &players {
        let (column, row) = map.square(position.place());
        let place = row * map.columns + column;
        map.inhabited[place] = true;
    }
}

type Onlooker<'a> =
    (SideData, (&'a Species, &'a Level), &'a Position, &'a Concealment, &'a mut Brain, &'a mut ThreatTable);

pub(super) fn look_out(
    tick: Res<SimTick>,
    map: Res<Neighbourhoods>,
    (assets, geometry, sides): (Res<SceneAssets>, Res<SceneGeometry>, Res<Sides>),
    (units, way): (Units, Wayfinding),
    mut monsters: Query<Onlooker>,
    mut calls: MessageWriter<HelpCall>,
) {
    for (side, (species, level), position, concealment, mut brain, mut threat) in &mut monsters {
        let side = side.side();
        let id = side.id;
        let turn = tick.0 as usize + id.index();
        let idle = matches!(brain.mood, Mood::Idle { .. });
        if !idle || !turn.is_multiple_of(SENSE_TICKS as usize) || !map.is_awake(position.place()) {
            continue;
        }
        let def = &assets.0.monsters[species.0];
        let eyes = Visibility { faction: side.faction.0, phase: concealment.phase, stealth: false };
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
