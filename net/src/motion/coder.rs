//! An adaptive binary arithmetic coder: each bit costs what its context has learnt that it is worth.
//!
//! A carry-propagating range coder (Martin: "Range encoding", 1979) on 32 bits, with probabilities that follow two
//! averages of different pace. Reading never fails: behind the end there are zeros.

/// Bits of a probability.
const ONE_BITS: u32 = 15;
/// The range below which a byte is shifted out.
const RANGE_MIN: u32 = 1 << 24;
/// How fast the quick average follows, as a shift; the slow one is three shifts slower.
const QUICK_SHIFT: u32 = 4;
const SLOW_SHIFT: u32 = 7;

/// How likely the next bit of one context is a one, in 65,536ths, by two averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chance {
    quick: u16,
    slow: u16,
}

impl Chance {
    /// Starts at a part of 65,536.
    pub(super) const fn of(part: u16) -> Self {
        Self { quick: part, slow: part }
    }

    /// The chance of a one in 2^-15, never 0 and never 1.
    fn one(self) -> u32 {
        let sum = u32::from(self.quick) + u32::from(self.slow);
        (sum >> 2).clamp(16, (1 << ONE_BITS) - 16)
    }

    fn learn(&mut self, bit: bool) {
        let toward = |average: u16, shift: u32| {
            if bit { average + ((u16::MAX - average) >> shift) } else { average - (average >> shift) }
        };
        (self.quick, self.slow) = (toward(self.quick, QUICK_SHIFT), toward(self.slow, SLOW_SHIFT));
    }
}

/// Either direction of the coder: a bit goes in and comes out, the same one when writing, the one read when reading.
pub(super) trait Coder {
    /// Codes a bit in a context, which learns from it.
    fn bit(&mut self, chance: &mut Chance, bit: bool) -> bool;
    /// Codes a bit that is as likely as not.
    fn even(&mut self, bit: bool) -> bool {
        self.bit(&mut Chance::of(1 << 15), bit)
    }
}

/// Writes.
pub(super) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    low: u64,
    range: u32,
    /// The byte that a carry may still change, and how many 0xff follow it.
    held: Option<u8>,
    followers: usize,
}

impl<'a> Encoder<'a> {
    /// Appends to `out`.
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, low: 0, range: u32::MAX, held: None, followers: 0 }
    }

    /// Writes what is left. Zeros at the end are not written, for a reader finds them there anyway.
    pub(super) fn finish(mut self) {
        let start = self.out.len();
        // The shortest number within the range: as many trailing zeros as it has room for.
        let top = self.low + u64::from(self.range - 1);
        let mask = (0..=32).rev().map(|bits| (1_u64 << bits) - 1).find(|mask| top & !mask >= self.low);
        self.low = top & !mask.unwrap_or(0);
        for _ in 0..5 {
            self.shift_out();
        }
        while self.out.len() > start && self.out.last() == Some(&0) {
            self.out.pop();
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "single bytes of the number are meant")]
    fn shift_out(&mut self) {
        let carry = self.low >> 32 != 0;
        let byte = (self.low >> 24) as u8;
        if byte != 0xff || carry {
            if let Some(held) = self.held {
                self.out.push(held.wrapping_add(u8::from(carry)));
            }
            let follower = if carry { 0 } else { 0xff };
            self.out.extend(std::iter::repeat_n(follower, self.followers));
            self.followers = 0;
            self.held = Some(byte);
        } else {
            self.followers += 1;
        }
        self.low = (self.low << 8) & 0xffff_ffff;
    }
}

impl Coder for Encoder<'_> {
    fn bit(&mut self, chance: &mut Chance, bit: bool) -> bool {
        let bound = (self.range >> ONE_BITS) * chance.one();
        if bit {
            self.range = bound;
        } else {
            self.low += u64::from(bound);
            self.range -= bound;
        }
        chance.learn(bit);
        while self.range < RANGE_MIN {
            self.range <<= 8;
            self.shift_out();
        }
        bit
    }
}

/// Reads.
pub(super) struct Decoder<'a> {
    bytes: std::slice::Iter<'a, u8>,
    code: u32,
    range: u32,
}

impl<'a> Decoder<'a> {
    /// Reads from the first byte.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { bytes: bytes.iter(), code: 0, range: u32::MAX };
        (0..4).for_each(|_| decoder.shift_in());
        decoder
    }

    fn shift_in(&mut self) {
        self.code = self.code << 8 | u32::from(self.bytes.next().copied().unwrap_or(0));
    }
}

impl Coder for Decoder<'_> {
    fn bit(&mut self, chance: &mut Chance, _bit: bool) -> bool {
        let bound = (self.range >> ONE_BITS) * chance.one();
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.code = self.code.wrapping_sub(bound);
            self.range -= bound;
        }
        chance.learn(bit);
        while self.range < RANGE_MIN {
            self.range <<= 8;
            self.shift_in();
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use sim::ids::SimId;
    use sim::random::{Random, Stream};

    use super::*;

    #[test]
    fn bits_of_any_kind_come_back() {
        for seed in 0..200 {
            let mut draw = Random::new(seed).draw(0, SimId::new(1, 0), Stream("coder"), 0);
            let (count, contexts) = (draw.below(3_000), 1 + draw.below(5));
            let likely: Vec<u32> = (0..contexts).map(|_| draw.below(1_001)).collect();
            let bits: Vec<(usize, bool)> = (0..count)
                .map(|_| {
                    let context = draw.below(contexts);
                    (context as usize, draw.below(1_000) < likely[context as usize])
                })
                .collect();
            let mut bytes = vec![7];
            let mut chances = vec![Chance::of(1 << 15); contexts as usize];
            let mut encoder = Encoder::new(&mut bytes);
            for &(context, bit) in &bits {
                encoder.bit(&mut chances[context], bit);
            }
            encoder.finish();
            let mut chances = vec![Chance::of(1 << 15); contexts as usize];
            let mut decoder = Decoder::new(&bytes[1..]);
            for (at, &(context, bit)) in bits.iter().enumerate() {
                assert_eq!(decoder.bit(&mut chances[context], false), bit, "seed {seed}, bit {at}");
            }
        }
    }

    #[test]
    fn what_is_nearly_certain_costs_nearly_nothing() {
        let (mut bytes, mut chance) = (Vec::new(), Chance::of(1 << 15));
        let mut encoder = Encoder::new(&mut bytes);
        for at in 0..10_000 {
            encoder.bit(&mut chance, at % 100 == 0);
        }
        encoder.finish();
        // The entropy of one in a hundred is 0.081 bits: 101 bytes.
        assert!(bytes.len() < 130, "{} bytes", bytes.len());
    }
}
