//! The place of a moving entity in three to six bytes: the low bits of its centimetres, which a receiver that knows
//! where the entity was shortly before completes without doubt.
//!
//! | lowest bits of the first byte | bits above them, from low to high | bytes |
//! | --- | --- | --- |
//! | `00 00` | `x: 10` `z: 10` | 3 |
//! | `01 00` | `x: 10` `z: 10` `heading: 8` | 4 |
//! | `01` | `x: 10` `z: 10` `y: 10` | 4 |
//! | `10` | `x: 10` `z: 10` `y: 10` `heading: 8` | 5 |
//! | `10 00` | `x: 12` `z: 12` `y: 12` `heading: 8` | 6 |
//!
//! (The upper two bits, where there are four, are a second tag.) A writer uses it only for an entity that has moved at most
//! [`COMPACT_STEP_CM_MAX`] along every axis in each of the last [`COMPACT_TICKS`] ticks, and leaves `y` out only when
//! that has not changed in them; a reader completes it only from a place at most as many ticks old. The last row is for those
//! who are told of less often: it holds for [`WIDE_TICKS`].

use sim::wire::Reader;

/// Ticks over which a compact place may be completed.
pub const COMPACT_TICKS: u32 = 12;
/// Centimetres along one axis in one tick that a compact place allows: 12 steps stay below half of 10.24 m.
pub const COMPACT_STEP_CM_MAX: u16 = 42;

/// Ticks over which a wide place may be completed: as many steps stay below half of 40.96 m.
pub const WIDE_TICKS: u32 = 48;

const NEAR_BITS: u32 = 10;
const WIDE_BITS: u32 = 12;

const FLAT: u64 = 0b0000;
const FLAT_TURNED: u64 = 0b0100;
const WIDE: u64 = 0b1000;
const STEEP: u64 = 0b01;
const STEEP_TURNED: u64 = 0b10;

/// Centimetres modulo 10.24 m, or 40.96 m, along each axis, and a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactPlace {
    /// Low bits of each coordinate that are known.
    bits: u32,
    /// East.
    x: u16,
    /// North.
    z: u16,
    /// Up; `None`: as before.
    y: Option<u16>,
    /// 256ths of a turn; `None`: as before.
    heading: Option<u8>,
}

impl CompactPlace {
    /// The low bits of a place in centimetres (x, y, z); `y` only when it is to be told.
    #[must_use]
    pub fn new(cm: [i32; 3], with_y: bool, heading: Option<u8>) -> Self {
        let [x, y, z] = cm.map(|cm| low_bits(cm, NEAR_BITS));
        Self { bits: NEAR_BITS, x, z, y: with_y.then_some(y), heading }
    }

    /// The same for a receiver that may know an older place, with everything in it.
    #[must_use]
    pub fn wide(cm: [i32; 3], heading: u8) -> Self {
        let [x, y, z] = cm.map(|cm| low_bits(cm, WIDE_BITS));
        Self { bits: WIDE_BITS, x, z, y: Some(y), heading: Some(heading) }
    }

    /// How old the place may be, in ticks, that this one is completed from.
    #[must_use]
    pub fn ticks_max(self) -> u32 {
        if self.bits == WIDE_BITS { WIDE_TICKS } else { COMPACT_TICKS }
    }

    /// Where the entity faces, in 256ths of a turn, if it was told.
    #[must_use]
    pub fn heading(self) -> Option<u8> {
        self.heading
    }

    /// The bytes in the low end of a number, and how many they are.
    #[must_use]
    pub fn to_word(self) -> (u64, usize) {
        let (x, z) = (u64::from(self.x), u64::from(self.z));
        match (self.y.map(u64::from), self.heading.map(u64::from)) {
            (Some(y), Some(heading)) if self.bits == WIDE_BITS => {
                (WIDE | x << 4 | z << 16 | y << 28 | heading << 40, 6)
            }
            (None, None) => (FLAT | x << 4 | z << 14, 3),
            (None, Some(heading)) => (FLAT_TURNED | x << 4 | z << 14 | heading << 24, 4),
            (Some(y), None) => (STEEP | x << 2 | z << 12 | y << 22, 4),
            (Some(y), Some(heading)) => (STEEP_TURNED | x << 2 | z << 12 | y << 22 | heading << 32, 5),
        }
    }

    /// Reads what follows the first byte; `None` for damage and for what is not a compact place.
    pub(super) fn read(head: u8, reader: &mut Reader<'_>) -> Option<Self> {
        let low = u32::from(head) | u32::from(reader.u16()?) << 8;
        if low & 0b11 == 0 {
            let heading = match u64::from(low & 0b1111) {
                FLAT => None,
                FLAT_TURNED => Some(reader.u8()?),
                WIDE => {
                    let word = u64::from(low) | u64::from(reader.u16()?) << 24 | u64::from(reader.u8()?) << 40;
                    let [x, z, y] = [4, 16, 28].map(|shift| coordinate(word >> shift, WIDE_BITS));
                    let [.., heading, _, _] = word.to_le_bytes();
                    return Some(Self { bits: WIDE_BITS, x, z, y: Some(y), heading: Some(heading) });
                }
                _ => return None,
            };
            let [x, z] = [4, 14].map(|shift| coordinate(u64::from(low) >> shift, NEAR_BITS));
            return Some(Self { bits: NEAR_BITS, x, z, y: None, heading });
        }
        let word = low | u32::from(reader.u8()?) << 24;
        let heading = match u64::from(word & 0b11) {
            STEEP => None,
            STEEP_TURNED => Some(reader.u8()?),
            _ => return None,
        };
        let [x, z, y] = [2, 12, 22].map(|shift| coordinate(u64::from(word) >> shift, NEAR_BITS));
        Some(Self { bits: NEAR_BITS, x, z, y: Some(y), heading })
    }

    /// The place in centimetres (x, y, z), given where the entity was at most [`CompactPlace::ticks_max`] ago.
    #[must_use]
    pub fn completed(self, known: [i32; 3]) -> [i32; 3] {
        let [x, y, z] = known;
        let nearest = |low: u16, known: i32| nearest(low, known, self.bits);
        [nearest(self.x, x), self.y.map_or(y, |low| nearest(low, y)), nearest(self.z, z)]
    }
}

#[allow(clippy::cast_possible_truncation, reason = "masked to twelve bits")]
fn coordinate(word: u64, bits: u32) -> u16 {
    word as u16 & ((1 << bits) - 1)
}

fn low_bits(cm: i32, bits: u32) -> u16 {
    coordinate(u64::from(cm.cast_unsigned()), bits)
}

/// The number nearest to `known` with the given low bits.
fn nearest(low: u16, known: i32, bits: u32) -> i32 {
    let ahead = i32::from(coordinate(u64::from(low.wrapping_sub(low_bits(known, bits))), bits));
    let half = 1 << (bits - 1);
    let known = known.wrapping_add(ahead);
    if ahead < half { known } else { known.wrapping_sub(half * 2) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_compact_place_is_completed_from_anywhere_near(
            known in any::<[i32; 3]>(),
            way in any::<[i16; 3]>(),
            with_y in any::<bool>(),
            heading in any::<Option<u8>>(),
        ) {
            let reach = COMPACT_STEP_CM_MAX * u16::try_from(COMPACT_TICKS).unwrap_or(0);
            let reach = i16::try_from(reach).unwrap_or(0);
            let step = |axis: usize| if axis == 1 && !with_y { 0 } else { way[axis] % (reach + 1) };
            let place = [0, 1, 2].map(|axis| known[axis].wrapping_add(i32::from(step(axis))));
            let compact = CompactPlace::new(place, with_y, heading);
            let (word, length) = compact.to_word();
            let bytes = word.to_le_bytes();
            let read = CompactPlace::read(bytes[0], &mut Reader::new(&bytes[1..length])).unwrap();
            prop_assert_eq!(read, compact);
            prop_assert_eq!((read.completed(known), read.heading()), (place, heading));
        }

        #[test]
        fn a_wide_place_is_completed_from_farther_away(
            known in any::<[i32; 3]>(),
            way in any::<[i16; 3]>(),
            heading in any::<u8>(),
        ) {
            let reach = i32::from(COMPACT_STEP_CM_MAX) * WIDE_TICKS.cast_signed();
            let place = [0, 1, 2].map(|axis| known[axis].wrapping_add(i32::from(way[axis]) % (reach + 1)));
            let wide = CompactPlace::wide(place, heading);
            let (word, length) = wide.to_word();
            let bytes = word.to_le_bytes();
            let read = CompactPlace::read(bytes[0], &mut Reader::new(&bytes[1..length])).unwrap();
            prop_assert_eq!(read, wide);
            prop_assert_eq!((read.completed(known), read.heading()), (place, Some(heading)));
        }

        #[test]
        fn damage_is_refused_or_read(bytes in any::<[u8; 6]>(), length in 1_usize..=6) {
            let mut reader = Reader::new(&bytes[1..length]);
            if let Some(read) = CompactPlace::read(bytes[0], &mut reader) {
                let used = length - reader.rest().len();
                prop_assert_eq!(read.to_word().1, used);
                prop_assert_eq!(&read.to_word().0.to_le_bytes()[..used], &bytes[..used]);
            }
        }
    }
}
