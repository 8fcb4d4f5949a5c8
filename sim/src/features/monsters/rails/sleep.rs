//! Who sleeps is marked, so that the systems of the tick pass by: nothing at all is done for a sleeper but the question
//! whether somebody has come near, and that only in ticks in which anybody has moved from one square of the map to another.

use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use glam::Vec3;

use super::{RiderItem, Standing, Vigilance};
use crate::actor::Asleep;
use crate::features::buffs::ActiveBuffs;
use crate::features::monsters::ThreatTable;
use crate::features::monsters::brain::Brain;
use crate::features::monsters::patrol::Patrol;
use crate::features::monsters::senses::Neighbourhoods;

type Stirred = Or<(Changed<Brain>, Changed<ThreatTable>, Changed<ActiveBuffs>, Changed<Patrol>)>;

/// The sleepers, and what wakes them.
#[derive(SystemParam)]
pub(in super::super) struct Sleepers<'w, 's> {
    all: Query<'w, 's, (Entity, &'static Asleep)>,
    stirred: Query<'w, 's, Entity, (With<Asleep>, Stirred)>,
    pub(super) map: Res<'w, Neighbourhoods>,
    pub(super) vigilance: Res<'w, Vigilance>,
}

impl Sleepers<'_, '_> {
    /// Everyone, when it does not matter who is near.
    pub(super) fn everyone(&self, out: &mut Vec<Entity>) {
        out.extend(self.all.iter().map(|(entity, _)| entity));
    }

    /// Whoever is near somebody now, or something has happened to. One may be named twice.
    pub(super) fn roused(&self, out: &mut Vec<Entity>) {
        if *self.vigilance == Vigilance::Always {
            return self.everyone(out);
        }
        out.extend(self.stirred.iter());
        if self.map.has_changed() {
            let near = self.all.iter().filter(|(_, asleep)| self.map.is_near(asleep.min, asleep.max));
            out.extend(near.map(|(entity, _)| entity));
        }
    }
}

impl RiderItem<'_, '_> {
    /// How it sleeps, when nothing is to be worked out for it until something changes.
    pub(super) fn sleep(&self) -> Option<Asleep> {
        let rails = &self.rails;
        let is_out_of_sight = rails.on && !rails.near && !rails.is_set && rails.course_is == Standing::Good;
        let is_idle = is_out_of_sight && self.brain.mood.is_idle() && self.threat.is_empty();
        if !is_idle || self.motion.velocity != Vec3::ZERO {
            return None;
        }
        let (course, walker, _) = rails.course.as_deref()?;
        let (min, max) = course.region(walker);
        Some(Asleep { min, max })
    }
}
