//! Walking towards a place without a map: straight on, along what is in the way, and round it when that does
//! not help: to one side and to the other, each time twice as far, until the way ahead is free.

use glam::{Vec2, Vec3};
use sim::assets::Bounds;
use sim::locomotion::StepInput;
use sim::random::Draw;

use crate::senses::Senses;

/// Turns between two looks at whether the walker gets anywhere (1 s).
const LOOK_TURNS: u32 = 20;
/// Less than this nearer to its goal in so many turns is being stuck, in metres.
const STUCK_M: f32 = 1.0;
/// Shortest detour, in turns: past the corner that the free way was seen at.
const DETOUR_TURNS_MIN: u32 = 10;
/// Longest detour to one side, in turns (16 s, about 100 m).
const DETOUR_TURNS_MAX: u32 = 320;
/// Part of a turn (in half turns) by which a detour leaves the straight way: a little back, to get off a wall.
const DETOUR_ANGLE: f32 = 0.52;

/// Steers one walker; remembers only whether it gets anywhere.
#[derive(Debug, Default)]
pub(crate) struct Walker {
    /// When it looked last, and how far its goal was.
    looked: Option<(u32, f32)>,
    detour: Option<Detour>,
    /// Detours in a row; odd ones go to the other side.
    detours: u32,
    /// How far the goal was when the first of them began.
    stuck_m: f32,
}

#[derive(Debug)]
struct Detour {
    since: u32,
    until: u32,
    aside: Vec2,
}

impl Walker {
    /// A step towards a place.
    pub(crate) fn towards(&mut self, senses: &Senses<'_>, to: Vec2, draw: &mut Draw) -> StepInput {
        let way = to - ground(senses.position());
        self.steer(way, senses.turn, draw, |direction| senses.is_way_free(direction))
    }

    fn steer(&mut self, way: Vec2, turn: u32, draw: &mut Draw, is_free: impl Fn(Vec2) -> bool) -> StepInput {
        let direction = way.normalize_or_zero();
        if let Some(detour) = &self.detour {
            let is_past = turn >= detour.since + DETOUR_TURNS_MIN && is_free(direction);
            if turn < detour.until && !is_past {
                return StepInput { wish: detour.aside, walk: false };
            }
            self.detour = None;
            self.looked = None;
        }
        match self.looked {
            Some((since, _)) if turn.saturating_sub(since) < LOOK_TURNS => {}
            Some((_, before_m)) if before_m - way.length() < STUCK_M => self.begin_detour(way, turn, draw),
            _ => self.looked = Some((turn, way.length())),
        }
        // Coming back along the same wall is no progress.
        if way.length() < self.stuck_m - STUCK_M {
            self.detours = 0;
        }
        StepInput { wish: direction, walk: false }
    }

    fn begin_detour(&mut self, way: Vec2, turn: u32, draw: &mut Draw) {
        if self.detours == 0 {
            self.stuck_m = way.length();
            self.detours = u32::from(draw.chance_bp(5_000));
        }
        let side = if self.detours.is_multiple_of(2) { 1.0 } else { -1.0 };
        let aside = Vec2::from_angle(side * DETOUR_ANGLE * std::f32::consts::PI).rotate(way.normalize_or_zero());
        let turns = (LOOK_TURNS << self.detours.min(8)).min(DETOUR_TURNS_MAX);
        self.detour = Some(Detour { since: turn, until: turn + turns, aside });
        self.detours += 1;
    }

    /// Forgets where the walker was: after standing still on purpose, or being set down elsewhere.
    pub(crate) fn rest(&mut self) {
        *self = Self::default();
    }
}

/// The place below a position, as (x, z).
pub(crate) fn ground(position: Vec3) -> Vec2 {
    Vec2::new(position.x, position.z)
}

/// A random place within bounds and not quite at their edge.
pub(crate) fn random_place(bounds: &Bounds, draw: &mut Draw) -> Vec2 {
    let (min, max) = (Vec2::from(bounds.min), Vec2::from(bounds.max));
    let part = Vec2::new(draw.unit(), draw.unit()) * 0.96 + 0.02;
    min + (max - min) * part
}

#[cfg(test)]
mod tests {
    use sim::ids::SimId;
    use sim::random::{Random, Stream};

    use super::*;

    fn draw(turn: u32) -> Draw {
        Random::new(1).draw(turn, SimId::new(1, 0), Stream("test"), 0)
    }

    /// Walks for some turns at 0.3 m each from the origin to (0, 50), round a wall at z = 10 that reaches from -100 m
    /// to `end_m` in x. Answers how near to its goal it came.
    fn walk_round(end_m: f32, turns: u32) -> f32 {
        let (mut walker, mut at, goal) = (Walker::default(), Vec2::ZERO, Vec2::new(0.0, 50.0));
        let blocked = |from: Vec2, to: Vec2| from.y <= 10.0 && to.y > 10.0 && (-100.0..end_m).contains(&to.x);
        let mut nearest_m = f32::MAX;
        for turn in 0..turns {
            let here = at;
            let is_free = |direction: Vec2| !blocked(here, here + direction * 3.0);
            let step = walker.steer(goal - at, turn, &mut draw(turn), is_free).wish * 0.3;
            // Along a wall one slides.
            at += if blocked(at, at + step) { Vec2::new(step.x, 0.0) } else { step };
            nearest_m = nearest_m.min(at.distance(goal));
        }
        nearest_m
    }

    #[test]
    fn a_walker_with_a_free_way_goes_straight() {
        assert!(walk_round(-100.0, 170) < 1.0, "50 m take 167 turns");
    }

    #[test]
    fn a_walker_finds_its_way_round_a_wall_to_either_side() {
        for end_m in [3.0, 12.0, 25.0] {
            assert!(walk_round(end_m, 2_000) < 1.0, "an end at {end_m} m");
        }
    }
}
