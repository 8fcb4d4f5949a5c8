//! A beat in closed form: stays and walks by the tick they begin in, over one round, after which all begins anew. Pure.

use std::f32::consts::TAU;
use std::sync::Arc;

use glam::{Vec2, Vec3};

use super::curve::Curve;
use crate::actor::Heading;
use crate::assets::StopDeed;
use crate::features::monsters::patrol::{Patrol, Stop};
use crate::space::navmesh::plane::flat;

/// One round of a patrol at one pace.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Beat {
    parts: Vec<Part>,
    round_ticks: u32,
}

/// A part of a round.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    from_tick: u32,
    does: Does,
    /// Which way it faces at a stay; on a walk the way says it.
    heading: f32,
}

#[derive(Debug, Clone, PartialEq)]
enum Does {
    /// Stays at the place with this index.
    Stay(usize, Vec3),
    /// Walks, so many metres a tick.
    Walk { curve: Arc<Curve>, step_m: f32 },
}

impl Beat {
    /// The round of a patrol whose legs are given: from each place to the next, and for a round one more, back to the
    /// first. `pace_m` is in metres per tick.
    pub(super) fn of(patrol: &Patrol, legs: Vec<Curve>, pace_m: f32) -> Option<Self> {
        let stops = patrol.stops();
        let last = stops.len().checked_sub(1).filter(|_| pace_m > 0.0)?;
        let mut beat = Self { parts: Vec::new(), round_ticks: 0 };
        let legs: Vec<Arc<Curve>> = legs.into_iter().map(Arc::new).collect();
        let stays_at = |stop: usize| legs.get(stop).map_or_else(|| legs[stop - 1].end(), |leg| leg.start());
        if legs.len() < last.max(1) {
            return None;
        }
        for (stop, def) in stops.iter().enumerate() {
            beat.stay(def, stop, stays_at(stop));
            if let Some(leg) = legs.get(stop) {
                beat.walk(Arc::clone(leg), pace_m);
            }
        }
        if !patrol.goes_round() {
            for stop in (0..last).rev() {
                beat.walk(Arc::new(legs[stop].reversed()), pace_m);
                if stop > 0 {
                    beat.stay(&stops[stop], stop, stays_at(stop));
                }
            }
        }
        beat.round_ticks = beat.round_ticks.max(1);
        beat.face_where_it_came_from();
        Some(beat)
    }

    pub(super) const fn round_ticks(&self) -> u32 {
        self.round_ticks
    }

    /// Where it is in a tick of the round, a little above or below the ground, and which way it faces.
    pub(super) fn at(&self, tick: u32) -> (Vec3, f32) {
        let tick = tick % self.round_ticks;
        let index = self.parts.partition_point(|part| part.from_tick <= tick).saturating_sub(1);
        let Some(part) = self.parts.get(index) else { return (Vec3::ZERO, 0.0) };
        match &part.does {
            Does::Stay(_, place) => (*place, part.heading),
            Does::Walk { curve, step_m } => {
                let (place, way) = curve.at(ticks(tick - part.from_tick) * step_m);
                (place, Heading::along(way).map_or(part.heading, |heading| heading.0))
            }
        }
    }

    /// Which place of the patrol it comes to in a tick of the round.
    pub(super) fn arrives_at(&self, tick: u32) -> Option<usize> {
        let tick = tick % self.round_ticks;
        let first = self.parts.partition_point(|part| part.from_tick < tick);
        let mut now = self.parts[first..].iter().take_while(|part| part.from_tick == tick);
        now.find_map(|part| if let Does::Stay(stop, _) = part.does { Some(stop) } else { None })
    }

    /// Least and greatest x and z, in metres.
    pub(super) fn bounds(&self) -> (Vec2, Vec2) {
        let none = (Vec2::INFINITY, Vec2::NEG_INFINITY);
        self.curves().map(Curve::bounds).fold(none, |(min, max), (a, b)| (min.min(a), max.max(b)))
    }

    /// Ground distance of a place from it, in metres.
    pub(super) fn distance_m(&self, place: Vec2) -> f32 {
        self.curves().map(|curve| curve.distance_m(place)).fold(f32::INFINITY, f32::min)
    }

    fn curves(&self) -> impl Iterator<Item = &Curve> {
        let walks = self.parts.iter();
        walks.filter_map(|part| if let Does::Walk { curve, .. } = &part.does { Some(&**curve) } else { None })
    }

    /// It stays at least for the tick in which it comes, so that there is one.
    fn stay(&mut self, stop: &Stop, index: usize, place: Vec3) {
        let faces = stop.deeds.iter().rev().find_map(|deed| match deed {
            StopDeed::Face(deg) => Some(deg.to_radians().rem_euclid(TAU)),
            _ => None,
        });
        let heading = faces.unwrap_or(f32::NAN);
        self.parts.push(Part { from_tick: self.round_ticks, does: Does::Stay(index, place), heading });
        self.round_ticks = self.round_ticks.saturating_add(stop.wait_ticks);
    }

    /// Whole ticks, the pace a little slower where it has to be.
    fn walk(&mut self, curve: Arc<Curve>, pace_m: f32) {
        let length_m = curve.length_m();
        if flat(curve.start()) == flat(curve.end()) && length_m == 0.0 {
            return;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; at least 1")]
        let count = (length_m / pace_m).ceil().max(1.0) as u32;
        let (_, way) = curve.at(length_m);
        let heading = Heading::along(way).map_or(0.0, |heading| heading.0);
        let does = Does::Walk { curve, step_m: length_m / ticks(count) };
        self.parts.push(Part { from_tick: self.round_ticks, does, heading });
        self.round_ticks = self.round_ticks.saturating_add(count);
    }

    /// A stay that says nothing else faces the way of the walk before it.
    fn face_where_it_came_from(&mut self) {
        let mut back = self.parts.iter().rev();
        let last = back.find(|part| matches!(part.does, Does::Walk { .. }));
        let mut facing = last.map(|part| part.heading);
        for part in &mut self.parts {
            match part.does {
                Does::Walk { .. } => facing = Some(part.heading),
                Does::Stay(..) if part.heading.is_nan() => part.heading = facing.unwrap_or(0.0),
                Does::Stay(..) => {}
            }
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "far fewer than 2^24 ticks in a round")]
pub(super) fn ticks(count: u32) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patrol(round: bool) -> Patrol {
        let stop = |x: f32, wait_ticks, deeds: Vec<StopDeed>| Stop { place: Vec3::new(x, 0.0, 0.0), wait_ticks, deeds };
        let stops = vec![
            stop(0.0, 3, vec![StopDeed::Face(90.0)]),
            stop(10.0, 0, vec![StopDeed::Say("here".into())]),
            stop(20.0, 5, Vec::new()),
        ];
        Patrol::of_stops(stops, round)
    }

    fn legs(round: bool) -> Vec<Curve> {
        let ends: &[(f32, f32)] =
            if round { &[(0.0, 10.0), (10.0, 20.0), (20.0, 0.0)] } else { &[(0.0, 10.0), (10.0, 20.0)] };
        let leg = |&(from, to): &(f32, f32)| Curve::through(Vec3::new(from, 0.0, 0.0), [Vec3::new(to, 0.0, 0.0)]);
        ends.iter().map(leg).collect()
    }

    fn walked(beat: &Beat) -> Vec<f32> {
        (0..beat.round_ticks()).map(|tick| beat.at(tick).0.x).collect()
    }

    #[test]
    fn back_and_forth_with_stays_is_a_round_of_whole_ticks() {
        let beat = Beat::of(&patrol(false), legs(false), 2.0).expect("there is one");
        let there =
            [0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 20.0, 20.0, 20.0, 20.0];
        let back = [20.0, 18.0, 16.0, 14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0];
        // Back over a curve that was turned round, to the last bit but one.
        let off =
            walked(&beat).into_iter().zip([&there[..], &back[..]].concat()).map(|(one, other)| (one - other).abs());
        assert!(off.fold(0.0, f32::max) < 1e-5, "{:?}", walked(&beat));
        assert_eq!(beat.round_ticks(), 28);
        assert_eq!(beat.at(beat.round_ticks() + 4), beat.at(4));
        assert_eq!((0..28).filter_map(|tick| beat.arrives_at(tick)).collect::<Vec<_>>(), [0, 1, 2, 1]);
        assert_eq!((beat.arrives_at(8), beat.arrives_at(9)), (Some(1), None));
    }

    #[test]
    fn a_round_closes_and_a_stay_faces_as_it_says_or_as_it_came() {
        let beat = Beat::of(&patrol(true), legs(true), 5.0).expect("there is one");
        assert_eq!(
            walked(&beat),
            [0.0, 0.0, 0.0, 0.0, 5.0, 10.0, 15.0, 20.0, 20.0, 20.0, 20.0, 20.0, 20.0, 15.0, 10.0, 5.0]
        );
        let quarter = std::f32::consts::FRAC_PI_2;
        assert_eq!((beat.at(0).1, beat.at(9).1), (quarter, quarter));
        assert_eq!(beat.at(14).1, -quarter);
    }

    #[test]
    fn no_step_is_longer_than_the_pace() {
        let beat = Beat::of(&patrol(false), legs(false), 0.37).expect("there is one");
        let places = walked(&beat);
        assert!(places.windows(2).all(|pair| (pair[1] - pair[0]).abs() <= 0.3701));
        assert_eq!(Beat::of(&patrol(false), legs(false), 0.0), None);
    }
}
