//! How an entity has moved of late: what decides whether its place may be told by the way from where it was.
//!
//! A compact place is completed by the receiver from a place at most [`COMPACT_TICKS`] old, a wide one from one at most
//! [`WIDE_TICKS`] old. So it is legal while every step of so many ticks was short, and leaves the height out while that has
//! not changed in them. Whoever begins to move after a rest is placed in full at first, because its last place is old
//! everywhere.

use crate::records::{COMPACT_STEP_CM_MAX, COMPACT_TICKS, CompactPlace, WIDE_TICKS};

/// Ticks without a step after which an entity rested.
pub(super) const REST_TICKS: u32 = COMPACT_TICKS / 2;
/// Ticks after a rest in which a place is told in full, so that losing one of them does no harm.
const FULL_TICKS: u32 = 3;

/// The last place and the last moments of one entity.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steps {
    cm: [i32; 3],
    heading: u8,
    /// When it last went too far in one tick. Before it was first seen nobody knew a place of it.
    jumped_tick: Option<u32>,
    /// When its height last changed.
    raised_tick: u32,
    /// When it last moved.
    moved_tick: u32,
    /// When it began to move after a rest.
    started_tick: u32,
}

impl Steps {
    /// One that is seen for the first time.
    pub(super) fn first(tick: u32, cm: [i32; 3], heading: u8) -> Self {
        Self { cm, heading, jumped_tick: None, raised_tick: tick, moved_tick: tick, started_tick: tick }
    }

    /// Takes a place; says whether it is another than before.
    pub(super) fn moved(&mut self, tick: u32, cm: [i32; 3]) -> bool {
        if cm == self.cm {
            return false;
        }
        let step_cm = |axis: usize| cm[axis].abs_diff(self.cm[axis]);
        if (0..3).any(|axis| step_cm(axis) > u32::from(COMPACT_STEP_CM_MAX)) {
            self.jumped_tick = Some(tick);
        }
        if cm[1] != self.cm[1] {
            self.raised_tick = tick;
        }
        if tick.saturating_sub(self.moved_tick) > REST_TICKS {
            self.started_tick = tick;
        }
        (self.moved_tick, self.cm) = (tick, cm);
        true
    }

    /// Takes a heading; says whether it is another than before.
    pub(super) fn turned(&mut self, heading: u8) -> bool {
        std::mem::replace(&mut self.heading, heading) != heading
    }

    /// When it began to move after its last rest.
    pub(super) fn started_tick(&self) -> u32 {
        self.started_tick
    }

    /// True when none of its last steps, in so many ticks, was too long.
    fn has_walked(&self, tick: u32, ticks: u32) -> bool {
        self.jumped_tick.is_none_or(|jumped_tick| tick > jumped_tick + ticks)
    }

    /// The place in a few bytes, if receivers can complete it at `tick`.
    pub(super) fn compact(&self, tick: u32, with_heading: bool) -> Option<CompactPlace> {
        let is_legal = self.has_walked(tick, COMPACT_TICKS) && tick >= self.started_tick + FULL_TICKS;
        let with_y = tick < self.raised_tick + COMPACT_TICKS;
        is_legal.then(|| CompactPlace::new(self.cm, with_y, with_heading.then_some(self.heading)))
    }

    /// The same for receivers whose place may be old.
    pub(super) fn wide(&self, tick: u32) -> Option<CompactPlace> {
        let is_legal = self.has_walked(tick, WIDE_TICKS) && tick >= self.started_tick + FULL_TICKS;
        is_legal.then(|| CompactPlace::wide(self.cm, self.heading))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(ticks: std::ops::RangeInclusive<i32>) -> Steps {
        let mut steps = Steps::first(0, [0, 500, 0], 0);
        for tick in ticks {
            steps.moved(tick.cast_unsigned(), [tick * 30, 500, 0]);
        }
        steps
    }

    #[test]
    fn a_walker_is_told_compactly_until_it_jumps() {
        let mut steps = walked(1..=30);
        assert_eq!(steps.compact(30, false), Some(CompactPlace::new([900, 500, 0], false, None)));
        steps.moved(31, [943, 500, 0]);
        assert_eq!(steps.compact(31, false), None);
        assert_eq!(steps.compact(43, false), None);
        assert!(steps.compact(44, false).is_some());
    }

    #[test]
    fn a_wide_place_needs_a_longer_walk() {
        let mut steps = walked(1..=30);
        assert!(steps.wide(30).is_some());
        (31..80_i32).for_each(|tick| {
            steps.moved(tick.cast_unsigned(), [tick * 30 + 50, 500, 0]);
        });
        assert_eq!((steps.wide(79), steps.compact(79, false).is_some()), (None, true), "it jumped at 31");
        assert!(steps.wide(80).is_some());
    }

    #[test]
    fn whoever_jumps_by_what_a_byte_more_would_say_has_jumped() {
        let mut steps = walked(1..=30);
        steps.moved(31, [930 + 65_536, 500, 0]);
        assert_eq!(steps.compact(31, false), None);
    }

    #[test]
    fn the_height_is_told_until_everybody_must_know_it() {
        let mut steps = walked(1..=30);
        steps.moved(31, [930, 510, 0]);
        assert_eq!(steps.compact(42, false), Some(CompactPlace::new([930, 510, 0], true, None)));
        assert_eq!(steps.compact(43, false), Some(CompactPlace::new([930, 510, 0], false, None)));
    }

    #[test]
    fn after_a_rest_the_first_places_are_whole() {
        let mut steps = walked(1..=30);
        steps.moved(40, [910, 500, 0]);
        assert_eq!([40, 41, 42].map(|tick| steps.compact(tick, false)), [None; 3]);
        assert!(steps.compact(43, false).is_some());
    }
}
