//! Roaming: to one random place of the scene after another, as someone does who looks around.

use glam::Vec2;
use sim::random::Draw;

use crate::behaviour::{Brain, Turn};
use crate::doors::Porter;
use crate::senses::Senses;
use crate::walk::{Walker, ground, random_place};

/// So close is there, in metres; so is where the way ends.
const ARRIVED_M: f32 = 3.0;
/// A place not reached in so many turns is given up (30 s).
const PATIENCE_TURNS: u32 = 600;

/// Turns between two looks at whether it is alive.
const LOOK_TURNS: u32 = 5;

/// Walks to random places.
#[derive(Debug, Default)]
pub(crate) struct Roamer {
    is_dead: bool,
    goal: Option<(Vec2, u32)>,
    walker: Walker,
    porter: Porter,
}

impl Brain for Roamer {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        if senses.turn.is_multiple_of(LOOK_TURNS) {
            self.is_dead = senses.vitals().is_some_and(|vitals| vitals.is_dead());
        }
        if self.is_dead {
            self.walker.rest();
            return Turn::default();
        }
        let here = senses.position();
        let goes_on = |&(place, since): &(Vec2, u32)| {
            let is_there = place.distance(ground(here)) <= ARRIVED_M || self.walker.is_stranded();
            !is_there && senses.turn.saturating_sub(since) < PATIENCE_TURNS
        };
        let (place, _) = *match self.goal.take_if(|goal| goes_on(goal)) {
            Some(goal) => self.goal.insert(goal),
            None => self.goal.insert((random_place(&senses.scene.bounds, draw), senses.turn)),
        };
        let step = self.walker.towards(senses, place, draw);
        self.porter.turn(senses, step, draw)
    }
}
