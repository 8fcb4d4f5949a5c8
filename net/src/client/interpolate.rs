//! Where to draw others: a little in the past, between the two snapshots around that moment.
//!
//! An entity that does not change is not mentioned, so a missing snapshot means "as before" as long as newer frames came
//! that told everything. When none came, or only such as had no room for everything, the entity goes on as it went: for
//! 250 ms, or for as long as there was no news of it the last time. One that nothing is told of for much longer than
//! that, though frames come, has stopped where it was told to be.

pub mod playback;

use std::collections::VecDeque;

use glam::Vec3;
use sim::actor::{Heading, Position};
use sim::wire::Reader;

/// How long an entity goes on without news, in ticks (250 ms), unless it was told of less often before.
pub const EXTRAPOLATED_TICKS_MIN: f64 = 5.0;
/// Longest way between two snapshots, in ticks, of one that stood before it.
const SPAN_TICKS_MAX: u32 = 4;
/// Ticks without news of an entity, while frames come, after which it has stopped: more than the server's usual bound on
/// silence, and more than it was silent about it before.
const STOPPED_TICKS_MIN: f64 = 25.0;
const STOPPED_SPANS: f64 = 1.5;
/// Ticks in which it is shown going back to where it stopped.
const BACK_TICKS: f64 = 5.0;
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
    position: [u8; Position::WIRE_BYTES],
    heading: u8,
}

/// The recent places of one entity, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Track {
    snapshots: VecDeque<Snapshot>,
}

impl Track {
    /// Notes a position or a heading of `tick`, each as its replicated bytes; what is not given stays as it was. Of a tick
    /// older than the newest snapshot nothing is noted. `whole_tick` is the newest of which everything was told before.
    pub fn note(&mut self, (tick, whole_tick): (u32, u32), position: Option<&[u8]>, heading: Option<&[u8]>) {
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
            Some(last) if tick - last.tick > SPAN_TICKS_MAX && whole_tick > last.tick => {
                self.push(Snapshot { tick: tick - SPAN_TICKS_MAX, ..last });
            }
            _ => {}
        }
        self.push(snapshot);
    }

    /// Notes where it faced at `tick`, if that is given.
    pub(super) fn note_heading(&mut self, ticks: (u32, u32), heading: Option<&[u8]>) {
        if heading.is_some() {
            self.note(ticks, None, heading);
        }
    }

    fn push(&mut self, snapshot: Snapshot) {
        if self.snapshots.len() == SNAPSHOTS_MAX {
            self.snapshots.pop_front();
        }
        self.snapshots.push_back(snapshot);
    }

    /// The pose at a moment in server ticks. `newest_tick` is the newest frame's, `whole_tick` the newest of which everything
    /// was told. `None` while no position is known.
    #[must_use]
    pub fn at(&self, moment: f64, (newest_tick, whole_tick): (u32, u32)) -> Option<Pose> {
        let after = self.snapshots.partition_point(|snapshot| f64::from(snapshot.tick) <= moment);
        let before = after.checked_sub(1).and_then(|index| self.snapshots.get(index));
        match (before, self.snapshots.get(after)) {
            (None, None) => None,
            (None, Some(only)) => pose(only),
            (Some(from), Some(to)) => {
                let span = f64::from(to.tick - from.tick);
                Some(between(pose(from)?, pose(to)?, (moment - f64::from(from.tick)) / span))
            }
            (Some(last), None) => {
                let stands = whole_tick > last.tick;
                let earlier = after.checked_sub(2).and_then(|index| self.snapshots.get(index)).filter(|_| !stands);
                let Some(earlier) = earlier else { return pose(last) };
                let span = f64::from(last.tick - earlier.tick);
                let ticks = (moment - f64::from(last.tick)).min(span.max(EXTRAPOLATED_TICKS_MIN));
                let unheard_ticks = f64::from(newest_tick.saturating_sub(last.tick));
                let stopped_ticks = STOPPED_TICKS_MIN.max(STOPPED_SPANS * span);
                let part = 1.0 - ((unheard_ticks - stopped_ticks) / BACK_TICKS).clamp(0.0, 1.0);
                Some(onward(pose(earlier)?, pose(last)?, ticks * part / span))
            }
        }
    }
}

fn pose(snapshot: &Snapshot) -> Option<Pose> {
    let position = Position::from_wire(&snapshot.position)?;
    let Heading(heading) = Heading::from_wire(&mut Reader::new(&[snapshot.heading]))?;
    Some(Pose { position, heading: wrapped(heading) })
}

#[allow(clippy::cast_possible_truncation, reason = "a part from 0 to 1")]
fn between(from: Pose, to: Pose, part: f64) -> Pose {
    let part = part as f32;
    Pose {
        position: from.position.lerp(to.position, part),
        heading: wrapped(from.heading + wrapped(to.heading - from.heading) * part),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a few spans")]
fn onward(earlier: Pose, last: Pose, spans: f64) -> Pose {
    Pose { position: last.position + (last.position - earlier.position) * spans as f32, heading: last.heading }
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
            track.note((*tick, tick - 1), Some(&bytes(*x_m)), Some(&[0]));
        }
        track
    }

    fn x_at(track: &Track, moment: f64, whole_tick: u32) -> Option<f32> {
        x_while(track, moment, (whole_tick, whole_tick))
    }

    fn x_while(track: &Track, moment: f64, ticks: (u32, u32)) -> Option<f32> {
        track.at(moment, ticks).map(|pose| (pose.position.x * 100.0).round() / 100.0)
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
        assert_eq!(Track::default().at(7.0, (11, 11)), None);
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
        track.note((1, 0), Some(&bytes(0.0)), Some(&[250]));
        track.note((2, 1), None, Some(&[6]));
        let heading = track.at(1.5, (2, 2)).map(|pose| pose.heading);
        assert!(heading.is_some_and(|heading| heading.abs() < 0.01), "{heading:?}");
    }

    #[test]
    fn a_runner_who_is_told_of_every_16_ticks_runs_on_and_does_not_sprint() {
        let mut track = Track::default();
        for tick in [100, 116, 132] {
            track.note((tick, 90), Some(&bytes(tick as f32 * 0.3)), Some(&[0]));
        }
        for tick in 101..148 {
            let (shown, expected) = (x_while(&track, f64::from(tick), (tick, 90)).unwrap(), tick as f32 * 0.3);
            assert!((shown - expected).abs() < 0.011, "{shown} in tick {tick}");
        }
        assert_eq!(x_while(&track, 155.0, (155, 90)), x_at(&track, 148.0, 90), "it is not followed for ever");
        assert_eq!(x_while(&track, 163.0, (163, 90)), x_at(&track, 132.0, 90), "it has stopped");
        assert_eq!(x_at(&track, 140.0, 133), x_at(&track, 132.0, 90), "it stands: everything was told since");
    }

    #[test]
    fn a_server_that_lets_them_wait_for_longer_is_believed_to_do_so_again() {
        let mut track = Track::default();
        for tick in [100, 150] {
            track.note((tick, 90), Some(&bytes(tick as f32)), Some(&[0]));
        }
        assert_eq!(x_while(&track, 190.0, (190, 90)), Some(190.0));
        assert_eq!(x_while(&track, 240.0, (240, 90)), Some(150.0), "it has stopped");
    }

    #[test]
    fn moments_are_as_fine_after_a_year_as_at_first() {
        let year = 20 * 86_400 * 365;
        let track = track(&[(year, 1.0), (year + 1, 2.0)]);
        assert_eq!(x_at(&track, f64::from(year) + 0.25, year), Some(1.25));
        assert_eq!(x_at(&track, f64::from(year) + 2.5, year), Some(3.5));
    }
}
