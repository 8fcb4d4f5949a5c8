//! The beat of a monster: places it walks to in order, back and forth. Written when it is spawned and in the Think
//! stage. Whoever patrols belongs to its beat as others do to their home. Pure.

use bevy_ecs::prelude::*;
use glam::Vec3;

use crate::digest::{Digest, Digester};

/// The places of a patrol; none for a monster that stays about.
#[derive(Component, Debug, Clone, PartialEq, Default)]
pub struct Patrol {
    places: Vec<Vec3>,
    next: usize,
    backwards: bool,
    left_at: Option<Vec3>,
}

impl Patrol {
    /// A patrol from the first of some places in metres to the last, and back.
    #[must_use]
    pub fn along(places: Vec<Vec3>) -> Self {
        Self { places, ..Self::default() }
    }

    /// The place it walks to now, in metres.
    #[must_use]
    pub fn goal(&self) -> Option<Vec3> {
        self.places.get(self.next).copied()
    }

    /// It is there: the place after it is next, or, at an end, the one before.
    pub fn advance(&mut self) {
        let last = self.places.len().saturating_sub(1);
        match self.next {
            _ if last == 0 => return,
            0 => self.backwards = false,
            next if next >= last => self.backwards = true,
            _ => {}
        }
        self.next = if self.backwards { self.next - 1 } else { self.next + 1 };
    }

    /// The point of the beat nearest to a place, in metres.
    #[must_use]
    pub fn nearest(&self, place: Vec3) -> Option<Vec3> {
        self.nearest_leg(place).map(|(_, point)| point)
    }

    /// Notes where it comes back to the beat after a fight, and goes on from there.
    pub fn leave(&mut self, place: Vec3) {
        let Some((leg, point)) = self.nearest_leg(place) else { return };
        self.left_at = Some(point);
        let ahead = (leg + 1).min(self.places.len() - 1);
        self.next = if self.backwards { leg } else { ahead };
    }

    /// Where it comes back to the beat, in metres.
    #[must_use]
    pub fn return_place(&self) -> Option<Vec3> {
        self.left_at
    }

    fn nearest_leg(&self, place: Vec3) -> Option<(usize, Vec3)> {
        let single = self.places.first().map(|&only| (0, only));
        let legs = self.places.windows(2).enumerate().map(|(leg, ends)| (leg, nearest_on(ends[0], ends[1], place)));
        let nearest = legs.min_by(|(_, a), (_, b)| place.distance_squared(*a).total_cmp(&place.distance_squared(*b)));
        nearest.or(single)
    }
}

fn nearest_on(from: Vec3, to: Vec3, place: Vec3) -> Vec3 {
    let along = to - from;
    let part = (place - from).dot(along) / along.length_squared().max(1e-6);
    from + along * part.clamp(0.0, 1.0)
}

impl Digest for Patrol {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.places.len() as u64);
        digester.u64(self.next as u64 * 2 + u64::from(self.backwards));
        if let Some(place) = self.left_at {
            place.to_array().into_iter().for_each(|metres| digester.f32(metres));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat() -> Patrol {
        Patrol::along([0.0_f32, 10.0, 20.0, 30.0].map(|x| Vec3::new(x, 0.0, 0.0)).to_vec())
    }

    #[test]
    fn the_places_are_walked_in_order_and_back() {
        let mut patrol = beat();
        let walked: Vec<f32> = (0..10)
            .map(|_| {
                let x = patrol.goal().expect("there is one").x;
                patrol.advance();
                x
            })
            .collect();
        assert_eq!(walked, [0.0, 10.0, 20.0, 30.0, 20.0, 10.0, 0.0, 10.0, 20.0, 30.0]);
    }

    #[test]
    fn after_a_fight_it_comes_back_to_the_nearest_leg_and_goes_on_the_way_it_went() {
        let mut patrol = beat();
        patrol.advance();
        patrol.leave(Vec3::new(14.0, 0.0, 6.0));
        assert_eq!(patrol.return_place(), Some(Vec3::new(14.0, 0.0, 0.0)));
        assert_eq!(patrol.goal().map(|goal| goal.x), Some(20.0));
        (0..3).for_each(|_| patrol.advance());
        patrol.leave(Vec3::new(14.0, 0.0, -6.0));
        assert_eq!(patrol.goal().map(|goal| goal.x), Some(10.0), "it was on its way back");
    }

    #[test]
    fn without_places_there_is_no_goal() {
        let mut patrol = Patrol::default();
        patrol.advance();
        patrol.leave(Vec3::ZERO);
        assert_eq!((patrol.goal(), patrol.nearest(Vec3::ZERO)), (None, None));
    }
}
