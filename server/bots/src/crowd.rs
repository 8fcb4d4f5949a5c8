//! A crowd: everybody goes to the middle of the scene and mills about there, from one place in the circle to another with
//! a rest in between, as at a market.

use glam::Vec2;
use sim::features::combat::ReleaseCommand;
use sim::random::Draw;

use crate::behaviour::{Act, Brain, Turn};
use crate::senses::Senses;
use crate::walk::{Walker, ground, middle};

/// So close is there, in metres: in a crowd somebody stands on most places.
const ARRIVED_M: f32 = 1.5;
/// A place not reached in so many turns is given up for another (10 s), once in the circle.
const PATIENCE_TURNS: u32 = 200;
/// Longest rest at a place, in turns (3 s).
const REST_TURNS_MAX: u32 = 60;

/// Goes to the meeting place and mills about.
#[derive(Debug)]
pub(crate) struct Miller {
    radius_m: f32,
    walker: Walker,
    goal: Option<(Vec2, u32)>,
    rests_until: u32,
    is_dead: bool,
}

impl Miller {
    /// One that keeps within so many metres of the middle.
    pub(crate) fn within(radius_m: f32) -> Self {
        Self { radius_m, walker: Walker::default(), goal: None, rests_until: 0, is_dead: false }
    }

    /// A place in the circle, evenly by area.
    fn choose(&self, middle: Vec2, draw: &mut Draw) -> Vec2 {
        let (direction, part) = (draw.unit() * std::f32::consts::TAU, draw.unit().sqrt());
        middle + Vec2::from_angle(direction) * part * self.radius_m
    }
}

impl Brain for Miller {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        if senses.vitals().is_some_and(|vitals| vitals.is_dead()) {
            self.walker.rest();
            let asks = !std::mem::replace(&mut self.is_dead, true);
            return if asks { Turn::default().and(Act::Release(ReleaseCommand)) } else { Turn::default() };
        }
        self.is_dead = false;
        if senses.turn < self.rests_until {
            return Turn::default();
        }
        let (here, market) = (ground(senses.position()), middle(&senses.scene.bounds));
        let (goal, since) = *match self.goal {
            Some(_) => self.goal.get_or_insert((market, senses.turn)),
            None => self.goal.insert((self.choose(market, draw), senses.turn)),
        };
        let is_late = senses.turn.saturating_sub(since) > PATIENCE_TURNS && here.distance(market) <= self.radius_m;
        if goal.distance(here) <= ARRIVED_M || is_late {
            self.goal = None;
            self.walker.rest();
            self.rests_until = senses.turn + draw.below(REST_TURNS_MAX);
            return Turn::default();
        }
        Turn::step(self.walker.towards(senses, goal, draw))
    }
}

#[cfg(test)]
mod tests {
    use sim::ids::SimId;
    use sim::random::{Random, Stream};

    use super::*;

    #[test]
    fn places_fill_the_circle_evenly_and_none_is_outside() {
        let miller = Miller::within(20.0);
        let mut draw = Random::new(1).draw(0, SimId::new(1, 0), Stream("test"), 0);
        let places: Vec<f32> = (0..2_000).map(|_| miller.choose(Vec2::ZERO, &mut draw).length()).collect();
        assert!(places.iter().all(|m| *m <= 20.0));
        // Half of the area lies beyond 1 / sqrt(2) of the radius.
        let outer = places.iter().filter(|m| **m > 14.142).count();
        assert!((900..1_100).contains(&outer), "{outer} of 2,000 in the outer half");
    }
}
