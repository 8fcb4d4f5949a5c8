//! Urgency: how much it matters to tell a client of each entity now, and about how many bytes that takes. Worked out for
//! many entities at once in lanes, because in a crowd it is done for everybody whom anybody sees. Pure sums.

use glam::Vec2;

use crate::records::{COMPACT_TICKS, WIDE_TICKS};

/// Entities that are worked out at once.
pub(super) const LANES: usize = 64;
/// Urgency of who would else be silent for too long, and one more for every tick that it has been so: when not even all of
/// them fit, the oldest go first.
pub(super) const OVERDUE: u8 = 200;
/// The greatest urgency that follows from sums.
pub(super) const URGENCY_MAX: u8 = u8::MAX - 1;
/// Urgency per tick of waiting in the nearest third of the enter radius; halved in the next, and again beyond.
pub(super) const NEAR_WEIGHT: u32 = 4;
/// Bytes taken for an index.
pub(super) const INDEX_BYTES: usize = 2;
/// Bytes taken for an index and a compact place.
const RECORD_BYTES: u32 = 6;
/// Bytes taken for an index and the place of one that was told of some time ago.
const WIDE_RECORD_BYTES: u32 = 7;
/// Bytes taken for an index and a place that must be whole.
const WHOLE_RECORD_BYTES: u32 = 13;

/// What one client's urgencies are worked out by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Where the client looks from.
    pub(super) place: Vec2,
    /// Squares of a third and two thirds of the enter radius, in square metres.
    pub(super) thirds: [f32; 2],
    /// Ticks of waiting from which on an entity is overdue.
    pub(super) overdue_ticks: u32,
}

/// Entities side by side: what is known of them, and what follows.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Ticks since the client was told everything.
    pub(super) ages: [i32; LANES],
    /// 1 for those of which the client lacks anything, else 0.
    pub(super) lacks: [i32; LANES],
    /// Where they are, in metres.
    pub(super) x: [f32; LANES],
    pub(super) z: [f32; LANES],
    /// 0 for those of which the client lacks nothing, else 1 to [`URGENCY_MAX`].
    pub(super) urgencies: [u8; LANES],
    /// Bytes that it takes to tell of a place, if the client lacks anything.
    pub(super) bytes: [u32; LANES],
}

impl Default for Lanes {
    fn default() -> Self {
        let (none, nowhere) = ([0; LANES], [0.0; LANES]);
        Self { ages: none, lacks: none, x: nowhere, z: nowhere, urgencies: [0; LANES], bytes: [0; LANES] }
    }
}

impl Lanes {
    /// Works out urgencies and bytes of all lanes. No branch depends on where somebody stands or how long it has waited.
    pub(super) fn work_out(&mut self, scale: &Scale) {
        let Self { ages, lacks, x, z, urgencies, bytes } = self;
        let Scale { place, thirds: [third, two_thirds], overdue_ticks } = *scale;
        let overdue_ticks = i32::try_from(overdue_ticks).unwrap_or(i32::MAX);
        for lane in 0..LANES {
            let (age, lacks) = (ages[lane], 0_i32.wrapping_sub(lacks[lane]));
            let (x, z) = (x[lane] - place.x, z[lane] - place.y);
            let squared = x * x + z * z;
            let (near, middle) = (mask(squared <= third), mask(squared <= two_thirds));
            let capped = age.min(i32::from(OVERDUE));
            // Once, twice or four times as urgent.
            let grown = capped.wrapping_add(capped & middle).wrapping_add(capped.wrapping_mul(2) & near);
            let grown = grown.clamp(1, i32::from(OVERDUE) - 1);
            let late = age.wrapping_sub(overdue_ticks);
            let urgency = if late >= 0 { late.wrapping_add(i32::from(OVERDUE)) } else { grown };
            urgencies[lane] = urgency.min(i32::from(URGENCY_MAX)).to_le_bytes()[0] & lacks.to_le_bytes()[0];
            bytes[lane] = place_bytes(age) & lacks.cast_unsigned();
        }
    }
}

/// Bytes of the record of a place for who was told of another so many ticks ago.
#[inline]
pub(super) const fn place_bytes(age_ticks: i32) -> u32 {
    RECORD_BYTES
        + (mask(age_ticks > COMPACT_TICKS.cast_signed()).cast_unsigned() & (WIDE_RECORD_BYTES - RECORD_BYTES))
        + (mask(age_ticks > WIDE_TICKS.cast_signed()).cast_unsigned() & (WHOLE_RECORD_BYTES - WIDE_RECORD_BYTES))
}

#[inline]
const fn mask(is_set: bool) -> i32 {
    0_i32.wrapping_sub(is_set as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale = Scale { place: Vec2::new(3.0, -4.0), thirds: [400.0, 1_600.0], overdue_ticks: 17 };

    /// The same in words.
    fn urgency(age: i32, away_m: f32) -> i32 {
        let weight = match away_m {
            near if near <= 20.0 => 4,
            middle if middle <= 40.0 => 2,
            _ => 1,
        };
        match age {
            overdue if overdue >= 17 => (200 + overdue - 17).min(254),
            waiting => (waiting.min(200) * weight).clamp(1, 199),
        }
    }

    #[test]
    fn lanes_say_what_words_say() {
        let cases = [0, 1, 5, 12, 13, 16, 17, 48, 49, 50, 71, 72, 5_000, 2_000_000]
            .into_iter()
            .flat_map(|age| [0.0_f32, 19.9, 20.1, 39.9, 40.1, 500.0].map(|away_m| (age, away_m)));
        let cases: Vec<(i32, f32)> = cases.collect();
        let mut lanes = Lanes::default();
        for some in cases.chunks(LANES) {
            for (lane, &(age, away_m)) in some.iter().enumerate() {
                (lanes.ages[lane], lanes.lacks[lane]) = (age, 1);
                (lanes.x[lane], lanes.z[lane]) = (3.0, away_m - 4.0);
            }
            lanes.work_out(&SCALE);
            for (lane, &(age, away_m)) in some.iter().enumerate() {
                assert_eq!(
                    i32::from(lanes.urgencies[lane]),
                    urgency(age, away_m),
                    "after {age} ticks, {away_m} m away"
                );
                let bytes = if age > 48 {
                    13
                } else if age > 12 {
                    7
                } else {
                    6
                };
                assert_eq!(lanes.bytes[lane], bytes, "after {age} ticks");
            }
            lanes.lacks = [0; LANES];
            lanes.work_out(&SCALE);
            assert_eq!((lanes.urgencies, lanes.bytes), ([0; LANES], [0; LANES]), "nothing is lacking");
        }
    }

    #[test]
    fn what_is_nowhere_is_far_away() {
        let mut lanes = Lanes { ages: [8; LANES], lacks: [1; LANES], x: [f32::INFINITY; LANES], ..Lanes::default() };
        lanes.work_out(&SCALE);
        assert_eq!(lanes.urgencies, [8; LANES]);
    }
}
