//! How a chase is getting on: whether the victim comes nearer, and from where a victim that cannot be come near to
//! may yet be reached. Written in the Think stage.

use bevy_ecs::prelude::*;
use glam::Vec3;

use crate::digest::{Digest, Digester};

/// Less than this is not nearer, in metres.
const NEARER_M: f32 = 0.5;
/// A chase that pauses longer than this begins anew, in ticks.
const PAUSE_TICKS: u32 = 2;
/// Ticks after which a place to attack from is looked for anew (1 s).
const STAND_TICKS: u32 = 20;

/// A monster's chase of its victim. Written in the Think stage.
#[derive(Component, Debug, Clone, Copy, PartialEq)]
pub struct Pursuit {
    nearest_m: f32,
    nearest_tick: u32,
    last_tick: u32,
    stand: Option<(Vec3, u32)>,
}

impl Default for Pursuit {
    fn default() -> Self {
        Self { nearest_m: f32::INFINITY, nearest_tick: 0, last_tick: 0, stand: None }
    }
}

impl Pursuit {
    /// Notes the distance to a victim that is not in reach; true when it has not shrunk for so many ticks.
    pub fn is_hopeless(&mut self, distance_m: f32, patience_ticks: u32, tick: u32) -> bool {
        let anew = tick.wrapping_sub(self.last_tick) > PAUSE_TICKS;
        if anew || distance_m + NEARER_M < self.nearest_m {
            (self.nearest_m, self.nearest_tick) = (distance_m, tick);
        }
        self.last_tick = tick;
        tick.wrapping_sub(self.nearest_tick) > patience_ticks
    }

    /// The place from which it attacks a victim that no way leads to, in metres.
    #[must_use]
    pub fn stand(&self, tick: u32) -> Option<Vec3> {
        let (place, since_tick) = self.stand?;
        (tick.wrapping_sub(since_tick) < STAND_TICKS).then_some(place)
    }

    /// Attacks from here for the next second.
    pub fn take_stand(&mut self, place: Vec3, tick: u32) {
        self.stand = Some((place, tick));
    }
}

impl Digest for Pursuit {
    fn digest(&self, digester: &mut Digester) {
        digester.f32(self.nearest_m);
        digester.u32(self.nearest_tick);
        digester.u32(self.last_tick);
        if let Some((place, tick)) = self.stand {
            place.to_array().into_iter().for_each(|metres| digester.f32(metres));
            digester.u32(tick);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chase_is_hopeless_when_the_distance_has_not_shrunk_for_its_patience() {
        let mut pursuit = Pursuit::default();
        let hopeless = (100..400).position(|tick| pursuit.is_hopeless(20.0, 200, tick));
        assert_eq!(hopeless, Some(201));
        assert!(!pursuit.is_hopeless(20.0, 200, 500), "after a pause it begins anew");
        let mut nearer = Pursuit::default();
        assert!((0..400_u16).all(|tick| !nearer.is_hopeless(50.0 - f32::from(tick) * 0.1, 200, u32::from(tick))));
    }

    #[test]
    fn a_stand_lasts_a_second() {
        let mut pursuit = Pursuit::default();
        pursuit.take_stand(Vec3::X, 100);
        assert_eq!((pursuit.stand(119), pursuit.stand(120)), (Some(Vec3::X), None));
    }
}
