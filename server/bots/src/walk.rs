//! Walking towards a place without a map: straight on, along what is in the way, and round it when that does
//! not help.

use glam::{Vec2, Vec3};
use sim::assets::Bounds;
use sim::locomotion::StepInput;
use sim::random::Draw;

/// Turns between two looks at whether the walker gets anywhere (1 s).
const LOOK_TURNS: u32 = 20;
/// Less than this in so many turns is being stuck, in metres.
const STUCK_M: f32 = 1.0;
/// How long a detour lasts, in turns (1 s to 2 s).
const DETOUR_TURNS: (i32, i32) = (20, 40);

/// Steers one walker; remembers only whether it gets anywhere.
#[derive(Debug, Default)]
pub(crate) struct Walker {
    looked: Option<(u32, Vec2)>,
    detour: Option<(u32, Vec2)>,
}

impl Walker {
    /// A step towards a place; `turn` counts up by one per call or more.
    pub(crate) fn towards(&mut self, from: Vec3, to: Vec2, turn: u32, draw: &mut Draw) -> StepInput {
        let here = ground(from);
        let direction = (to - here).normalize_or_zero();
        if let Some((until, aside)) = self.detour {
            if turn < until {
                return StepInput { wish: aside, walk: false };
            }
            self.detour = None;
            self.looked = None;
        }
        match self.looked {
            Some((since, _)) if turn.saturating_sub(since) < LOOK_TURNS => {}
            Some((_, there)) if here.distance(there) < STUCK_M => {
                let (least, most) = DETOUR_TURNS;
                let turns = u32::try_from(draw.between(least, most)).unwrap_or(0);
                let angle = (0.25 + draw.unit() * 0.4) * std::f32::consts::PI;
                let angle = if draw.chance_bp(5_000) { angle } else { -angle };
                self.detour = Some((turn + turns, Vec2::from_angle(angle).rotate(direction)));
            }
            _ => self.looked = Some((turn, here)),
        }
        StepInput { wish: direction, walk: false }
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

    #[test]
    fn a_walker_that_gets_on_goes_straight() {
        let mut walker = Walker::default();
        for turn in 0..200 {
            #[allow(clippy::cast_precision_loss, reason = "a small number")]
            let at = Vec3::new(turn as f32 * 0.3, 0.0, 0.0);
            let step = walker.towards(at, Vec2::new(1_000.0, 0.0), turn, &mut draw(turn));
            assert!(step.wish.distance(Vec2::X) < 1e-5, "{}", step.wish);
        }
    }

    #[test]
    fn a_stuck_walker_tries_another_way_and_then_its_own_again() {
        let mut walker = Walker::default();
        let wishes: Vec<Vec2> =
            (0..100).map(|turn| walker.towards(Vec3::ZERO, Vec2::new(9.0, 0.0), turn, &mut draw(turn)).wish).collect();
        assert!(wishes.iter().any(|wish| wish.distance(Vec2::X) > 0.3));
        assert!(wishes.iter().skip(30).any(|wish| wish.distance(Vec2::X) < 1e-5));
    }
}
