//! What a residual is likely to be: contexts of the coder for the six numbers of a body, and how a number becomes bits.
//!
//! One code both writes and reads, so that the two cannot disagree: what goes in is ignored when reading.

use super::coder::{Chance, Coder};

/// Residuals of a body, in steps: three of the place, three of the rotation.
pub(super) type Residual = [i32; 6];
/// How far off each half of a body, place and rotation, was in the last two frames: 0 not at all, 1 by a step, 2 by more;
/// three times the last one and the one before.
pub(super) type Levels = [u8; 2];
/// A body's numbers in whole steps: three of the place, four of the rotation.
pub(super) type Whole = [i32; 7];

/// The directions of the coder that a model works with.
pub(super) trait Bits: Sized {
    /// Codes the residuals of a body whose halves were off by `levels` lately.
    fn residual<C: Coder>(&mut self, coder: &mut C, levels: Levels, residual: Residual) -> Residual;
    /// Codes a body of which nothing is known.
    fn whole<C: Coder>(&mut self, coder: &mut C, whole: Whole) -> Whole;
}

/// Contexts for "it is off at all": by half, by how far off that half was, by axes of it found to be off already.
const OFF_CONTEXTS: usize = 2 * LEVELS * 3;
/// Values of a level: two of the last frames, each 0 to 2.
const LEVELS: usize = 9;
/// Steps that are counted one by one; beyond them the rest is written as a number.
const COUNTED_MAX: usize = 12;
/// Bits of a number whose length comes first.
const LENGTH_MAX: u32 = 31;

/// Chances of all contexts.
#[derive(Debug, Clone)]
pub(super) struct Model {
    off: [Chance; OFF_CONTEXTS],
    sign: [Chance; 2],
    more: [[Chance; COUNTED_MAX]; 2],
}

impl Default for Model {
    fn default() -> Self {
        Self {
            off: [Chance::of(12_000); OFF_CONTEXTS],
            sign: [Chance::of(1 << 15); 2],
            more: [[Chance::of(24_000); COUNTED_MAX]; 2],
        }
    }
}

impl Model {
    fn axis<C: Coder>(&mut self, coder: &mut C, half: usize, context: usize, value: i32) -> i32 {
        if !coder.bit(&mut self.off[context], value != 0) {
            return 0;
        }
        let negative = coder.bit(&mut self.sign[half], value < 0);
        let beyond = value.unsigned_abs().saturating_sub(1);
        let mut counted = 0;
        for chance in &mut self.more[half] {
            if !coder.bit(chance, beyond > counted) {
                return signed(counted + 1, negative);
            }
            counted += 1;
        }
        let rest = number(coder, beyond.saturating_sub(counted));
        signed(rest.saturating_add(counted + 1), negative)
    }
}

impl Bits for Model {
    fn residual<C: Coder>(&mut self, coder: &mut C, levels: Levels, residual: Residual) -> Residual {
        let mut coded = Residual::default();
        for (half, level) in levels.into_iter().enumerate() {
            let (mut off_axes, level) = (0, usize::from(level).min(LEVELS - 1));
            for axis in half * 3..half * 3 + 3 {
                let context = (half * LEVELS + level) * 3 + off_axes;
                coded[axis] = self.axis(coder, half, context, residual[axis]);
                off_axes += usize::from(coded[axis] != 0);
            }
        }
        coded
    }

    fn whole<C: Coder>(&mut self, coder: &mut C, whole: Whole) -> Whole {
        whole.map(|value| {
            let negative = coder.even(value < 0);
            signed(number(coder, value.unsigned_abs()), negative)
        })
    }
}

/// A number with its length in front, of up to 31 bits.
fn number<C: Coder>(coder: &mut C, value: u32) -> u32 {
    let value = value.min((1 << LENGTH_MAX) - 1);
    let length = u32::BITS - value.leading_zeros();
    let bits = |coder: &mut C, count: u32, value: u32| {
        (0..count).rev().fold(0, |read, bit| read << 1 | u32::from(coder.even(value >> bit & 1 == 1)))
    };
    let length = bits(coder, 5, length);
    bits(coder, length, value)
}

fn signed(magnitude: u32, negative: bool) -> i32 {
    let magnitude = i32::try_from(magnitude).unwrap_or(i32::MAX);
    if negative { -magnitude } else { magnitude }
}
