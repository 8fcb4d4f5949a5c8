//! Where to draw others: a little in the past, between the two snapshots around that moment.
//!
//! An entity that does not change is not mentioned, so a missing snapshot means "as before" as long as newer frames
//! came; only when no frame comes at all does the entity go on as it went, for at most 250 ms.

pub mod playback;

use std::collections::VecDeque;

use glam::Vec3;
use sim::actor::{Heading, Position};
use sim::wire::Reader;

/// How long an entity goes on without news, in ticks (250 ms).
pub const EXTRAPOLATED_TICKS_MAX: f32 = 5.0;
/// Longest way between two snapshots, in ticks; before it the entity stood where it was.
const SPAN_TICKS_MAX: u32 = 4;
/// Snapshots kept per entity: half a second, more than is ever shown.
const SNAPSHOTS_MAX: usize = 10;

/// Where something is drawn and where it faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pose {
    /// Feet position in metres.
    pub position: Vec3,
    /// Radians from `+z` towards `+x`, -pi to pi.
    pub heading: f32,
}

/// What was known of a place at one tick, as it came over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Snapshot {
    tick: u32,
    position: [u8; 6],
    heading: u8,
}

/// The recent places of one entity, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Track {
    snapshots: VecDeque<Snapshot>,
}

impl Track {
    /// Notes a position or a heading of `tick`, each as its replicated bytes; what is not given stays as it was.
    /// Of a tick older than the newest snapshot nothing is noted.
    pub fn note(&mut self, tick: u32, position: Option<&[u8]>, heading: Option<&[u8]>) {
        let last = self.snapshots.back().copied();
        let position = position.and_then(|bytes| bytes.try_into().ok()).or(last.map(|last| last.position));
        let heading = heading.and_then(|bytes| bytes.first().copied()).or(last.map(|last| last.heading));
        let Some(position) = position else { return };
        let snapshot = Snapshot { tick, position, heading: heading.unwrap_or(0) };
        match last {
            Some(last) if last.tick > tick => return,
            Some(last) if last.tick == tick => {
                self.snapshots.pop_back();
            }
            Some(last) if tick - last.tick > SPAN_TICKS_MAX => {
                self.push(Snapshot { tick: tick - SPAN_TICKS_MAX, ..last });
            }
            _ => {}
        }
        self.push(snapshot);
    }

    /// Notes where it faced at `tick`, if that is given.
    pub(super) fn note_heading(&mut self, tick: u32, heading: Option<&[u8]>) {
        if heading.is_some() {
            self.note(tick, None, heading);
        }
    }

    fn push(&mut self, snapshot: Snapshot) {
        if self.snapshots.len() == SNAPSHOTS_MAX {
            self.snapshots.pop_front();
        }
        self.snapshots.push_back(snapshot);
    }

    /// The pose at a moment in server ticks. `newest_tick` is the newest frame's; `near` is any place less than 327 m
    /// away on each axis, such as the own character's. `None` while no position is known.
    #[must_use]
    pub fn at(&self, moment: f32, newest_tick: u32, near: Vec3) -> Option<Pose> {
        let after = self.snapshots.partition_point(|snapshot| as_moment(snapshot.tick) <= moment);
        let before = after.checked_sub(1).and_then(|index| self.snapshots.get(index));
        match (before, self.snapshots.get(after)) {
            (None, None) => None,
            (None, Some(only)) => pose(only, near),
            (Some(from), Some(to)) => {
                let span = as_moment(to.tick) - as_moment(from.tick);
                Some(between(pose(from, near)?, pose(to, near)?, (moment - as_moment(from.tick)) / span))
            }
            (Some(last), None) => {
                let stands = newest_tick > last.tick;
                let earlier = after.checked_sub(2).and_then(|index| self.snapshots.get(index)).filter(|_| !stands);
                let Some(earlier) = earlier else { return pose(last, near) };
                let ticks = (moment - as_moment(last.tick)).min(EXTRAPOLATED_TICKS_MAX);
                let span = as_moment(last.tick) - as_moment(earlier.tick);
                Some(onward(pose(earlier, near)?, pose(last, near)?, ticks / span))
            }
        }
    }
}

/// Ticks as a moment: exact for nine days of 20 Hz, and then within a tenth of a tick for months.
#[allow(clippy::cast_precision_loss, reason = "a picture a fraction of a tick off is the same picture")]
fn as_moment(tick: u32) -> f32 {
    tick as f32
}

fn pose(snapshot: &Snapshot, near: Vec3) -> Option<Pose> {
    let position = Position::from_wire(&mut Reader::new(&snapshot.position), near)?;
    let Heading(heading) = Heading::from_wire(&mut Reader::new(&[snapshot.heading]))?;
    Some(Pose { position, heading: wrapped(heading) })
}

fn between(from: Pose, to: Pose, part: f32) -> Pose {
    Pose {
        position: from.position.lerp(to.position, part),
        heading: wrapped(from.heading + wrapped(to.heading - from.heading) * part),
    }
}

fn onward(earlier: Pose, last: Pose, spans: f32) -> Pose {
    Pose { position: last.position + (last.position - earlier.position) * spans, heading: last.heading }
}

/// An angle in -pi to pi.
fn wrapped(angle: f32) -> f32 {
    use std::f32::consts::{PI, TAU};
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use sim::replicated::Replicate;

    use super::*;

    fn bytes(x_m: f32) -> Vec<u8> {
        let mut bytes = Vec::new();
        Position(Vec3::new(x_m, 0.0, 0.0)).encode(&mut bytes);
        bytes
    }

    fn track(places: &[(u32, f32)]) -> Track {
        let mut track = Track::default();
        for (tick, x_m) in places {
            track.note(*tick, Some(&bytes(*x_m)), Some(&[0]));
        }
        track
    }

    fn x_at(track: &Track, moment: f32, newest_tick: u32) -> Option<f32> {
        track.at(moment, newest_tick, Vec3::ZERO).map(|pose| (pose.position.x * 100.0).round() / 100.0)
    }

    #[test]
    fn a_moment_between_two_snapshots_is_between_their_places() {
        let track = track(&[(10, 1.0), (11, 2.0), (12, 4.0)]);
        assert_eq!(x_at(&track, 10.5, 12), Some(1.5));
        assert_eq!(x_at(&track, 11.5, 12), Some(3.0));
        assert_eq!(x_at(&track, 12.0, 12), Some(4.0));
    }

    #[test]
    fn nothing_is_shown_before_the_spawn_but_the_spawn() {
        let track = track(&[(10, 1.0), (11, 2.0)]);
        assert_eq!(x_at(&track, 7.0, 11), Some(1.0));
        assert_eq!(Track::default().at(7.0, 11, Vec3::ZERO), None);
    }

    #[test]
    fn silence_is_bridged_for_a_quarter_of_a_second_at_most() {
        let track = track(&[(10, 1.0), (11, 2.0)]);
        assert_eq!(x_at(&track, 13.0, 11), Some(4.0));
        assert_eq!(x_at(&track, 16.0, 11), Some(7.0));
        assert_eq!(x_at(&track, 99.0, 11), Some(7.0));
    }

    #[test]
    fn one_that_newer_frames_do_not_mention_stands() {
        let track = track(&[(10, 1.0), (11, 2.0)]);
        assert_eq!(x_at(&track, 13.0, 12), Some(2.0));
    }

    #[test]
    fn one_that_stood_does_not_drift_before_it_starts() {
        let track = track(&[(10, 1.0), (50, 2.0)]);
        assert_eq!(x_at(&track, 40.0, 50), Some(1.0));
        assert_eq!(x_at(&track, 48.0, 50), Some(1.5));
    }

    #[test]
    fn late_snapshots_do_not_disturb_newer_ones() {
        let track = track(&[(10, 1.0), (12, 3.0), (11, 9.0)]);
        assert_eq!(x_at(&track, 11.0, 12), Some(2.0));
    }

    #[test]
    fn a_turn_takes_the_short_way_round() {
        let mut track = Track::default();
        track.note(1, Some(&bytes(0.0)), Some(&[250]));
        track.note(2, None, Some(&[6]));
        let heading = track.at(1.5, 2, Vec3::ZERO).map(|pose| pose.heading);
        assert!(heading.is_some_and(|heading| heading.abs() < 0.01), "{heading:?}");
    }

    #[test]
    fn a_place_is_read_near_the_observer_wherever_it_stands() {
        let track = track(&[(10, 1_000.0)]);
        let pose = track.at(10.0, 10, Vec3::new(900.0, 0.0, 0.0));
        assert!(pose.is_some_and(|pose| (pose.position.x - 1_000.0).abs() < 0.01), "{pose:?}");
    }
}
