//! The place of a moving entity in three to five bytes: the low bits of its centimetres, which a receiver that knows
//! where the entity was shortly before completes without doubt.
//!
//! | lowest bits of the first byte | bits above them, from low to high | bytes |
//! | --- | --- | --- |
//! | `00 00` | `x: 10` `z: 10` | 3 |
//! | `01 00` | `x: 10` `z: 10` `heading: 8` | 4 |
//! | `01` | `x: 10` `z: 10` `y: 10` | 4 |
//! | `10` | `x: 10` `z: 10` `y: 10` `heading: 8` | 5 |
//!
//! (The first row's upper two bits are a second tag.) A writer uses it only for an entity that has moved at most
//! [`COMPACT_STEP_CM_MAX`] along every axis in each of the last [`COMPACT_TICKS`] ticks, and leaves `y` out only when
//! that has not changed in them; a reader completes it only from a place at most as many ticks old.

use sim::wire::Reader;

/// Ticks over which a compact place may be completed.
pub const COMPACT_TICKS: u32 = 12;
/// Centimetres along one axis in one tick that a compact place allows: 12 steps stay below half of 10.24 m.
pub const COMPACT_STEP_CM_MAX: u16 = 42;

const COORDINATE_BITS: u32 = 10;
const COORDINATE_MASK: u16 = (1 << COORDINATE_BITS) - 1;

const FLAT: u64 = 0b0000;
const FLAT_TURNED: u64 = 0b0100;
const STEEP: u64 = 0b01;
const STEEP_TURNED: u64 = 0b10;

/// Centimetres modulo 10.24 m along each axis, and a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactPlace {
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
    pub fn new([x, y, z]: [u16; 3], with_y: bool, heading: Option<u8>) -> Self {
        let y = with_y.then_some(y & COORDINATE_MASK);
        Self { x: x & COORDINATE_MASK, z: z & COORDINATE_MASK, y, heading }
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
                _ => return None,
            };
            return Some(Self { x: coordinate(low >> 4), z: coordinate(low >> 14), y: None, heading });
        }
        let word = low | u32::from(reader.u8()?) << 24;
        let heading = match u64::from(word & 0b11) {
            STEEP => None,
            STEEP_TURNED => Some(reader.u8()?),
            _ => return None,
        };
        let [x, z, y] = [2, 12, 22].map(|shift| coordinate(word >> shift));
        Some(Self { x, z, y: Some(y), heading })
    }

    /// The place in centimetres (x, y, z), given where the entity was less than 5.12 m away along each axis.
    #[must_use]
    pub fn completed(self, known: [u16; 3]) -> [u16; 3] {
        let [x, y, z] = known;
        [nearest(self.x, x), self.y.map_or(y, |low| nearest(low, y)), nearest(self.z, z)]
    }
}

#[allow(clippy::cast_possible_truncation, reason = "masked to ten bits")]
fn coordinate(bits: u32) -> u16 {
    bits as u16 & COORDINATE_MASK
}

/// The number nearest to `known` with the given low bits.
fn nearest(low: u16, known: u16) -> u16 {
    let ahead = low.wrapping_sub(known) & COORDINATE_MASK;
    let half = 1 << (COORDINATE_BITS - 1);
    if ahead < half { known.wrapping_add(ahead) } else { known.wrapping_add(ahead).wrapping_sub(half * 2) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_compact_place_is_completed_from_anywhere_near(
            known in any::<[u16; 3]>(),
            way in any::<[i16; 3]>(),
            with_y in any::<bool>(),
            heading in any::<Option<u8>>(),
        ) {
            let reach = COMPACT_STEP_CM_MAX * u16::try_from(COMPACT_TICKS).unwrap_or(0);
            let reach = i16::try_from(reach).unwrap_or(0);
            let step = |axis: usize| if axis == 1 && !with_y { 0 } else { way[axis] % (reach + 1) };
            let place = [0, 1, 2].map(|axis| known[axis].wrapping_add_signed(step(axis)));
            let compact = CompactPlace::new(place, with_y, heading);
            let (word, length) = compact.to_word();
            let bytes = word.to_le_bytes();
            let read = CompactPlace::read(bytes[0], &mut Reader::new(&bytes[1..length])).unwrap();
            prop_assert_eq!(read, compact);
            prop_assert_eq!((read.completed(known), read.heading()), (place, heading));
        }

        #[test]
        fn damage_is_refused_or_read(bytes in any::<[u8; 5]>(), length in 1_usize..=5) {
            let mut reader = Reader::new(&bytes[1..length]);
            if let Some(read) = CompactPlace::read(bytes[0], &mut reader) {
                let used = length - reader.rest().len();
                prop_assert_eq!(read.to_word().1, used);
                prop_assert_eq!(&read.to_word().0.to_le_bytes()[..used], &bytes[..used]);
            }
        }
    }
}
