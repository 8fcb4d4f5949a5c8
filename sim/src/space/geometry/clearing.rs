//! Where there is nothing: a coarse map of the ground that obstacles stand over. Most bodies move in the open, and for them
//! no tree of volumes is asked. Says "perhaps" too often and "nothing" never wrongly.

use glam::Vec2;

/// Least edge of a square in metres.
const SQUARE_M_MIN: f32 = 4.0;
/// Most squares along a side; a wider map has larger ones.
const SQUARES_MAX: f32 = 512.0;
/// By how much bounds are widened, in metres: more than any rounding.
const MARGIN_M: f32 = 0.1;

/// The squares that bounds of obstacles meet, as bits.
#[derive(Debug, Default)]
pub(super) struct Clearing {
    min: Vec2,
    square_m: f32,
    columns: usize,
    rows: usize,
    taken: Vec<u64>,
}

impl Clearing {
    /// The map of obstacles with these bounds: least and greatest x and z, in metres.
    pub(super) fn around(bounds: &[(Vec2, Vec2)]) -> Self {
        let Some(&first) = bounds.first() else { return Self::default() };
        let (min, max) = bounds.iter().fold(first, |(a, b), &(c, d)| (a.min(c), b.max(d)));
        let (min, max) = (min - MARGIN_M, max + MARGIN_M);
        let square_m = SQUARE_M_MIN.max((max - min).max_element() / SQUARES_MAX);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 512; casts saturate")]
        let count = |length_m: f32| (length_m / square_m).ceil().clamp(1.0, SQUARES_MAX) as usize;
        let (columns, rows) = (count(max.x - min.x), count(max.y - min.y));
        let mut map = Self { min, square_m, columns, rows, taken: vec![0; (columns * rows).div_ceil(64)] };
        for &(from, to) in bounds {
            let ((left, bottom), (right, top)) = (map.square(from - MARGIN_M), map.square(to + MARGIN_M));
            for square in (bottom..=top).flat_map(|row| (left..=right).map(move |column| row * columns + column)) {
                map.taken[square / 64] |= 1 << (square % 64);
            }
        }
        map
    }

    /// True when no obstacle is over a rectangle of the ground, in metres.
    pub(super) fn is_empty(&self, min: Vec2, max: Vec2) -> bool {
        #[allow(clippy::cast_precision_loss, reason = "at most 512 squares")]
        let end = self.min + Vec2::new(self.columns as f32, self.rows as f32) * self.square_m;
        if self.taken.is_empty() || min.cmpgt(end).any() || max.cmplt(self.min).any() {
            return true;
        }
        let ((left, bottom), (right, top)) = (self.square(min), self.square(max));
        let mut squares = (bottom..=top).flat_map(|row| (left..=right).map(move |column| row * self.columns + column));
        squares.all(|square| self.taken[square / 64] >> (square % 64) & 1 == 0)
    }

    /// The square of a place, or the nearest.
    fn square(&self, place: Vec2) -> (usize, usize) {
        let local = (place - self.min) / self.square_m;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate; NaN becomes 0")]
        let clamp = |value: f32, count: usize| (value as usize).min(count - 1);
        (clamp(local.x, self.columns), clamp(local.y, self.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SimId;
    use crate::random::{Random, Stream};

    #[test]
    fn whatever_meets_an_obstacle_is_never_in_the_open() {
        let random = Random::new(9);
        let mut open = 0;
        for round in 0..20 {
            let mut draw = random.draw(round, SimId::new(1, 0), Stream("clearing"), 0);
            let mut rectangle = |side_m: f32| {
                let at = Vec2::new(draw.unit() - 0.5, draw.unit() - 0.5) * 400.0;
                (at, at + Vec2::new(draw.unit(), draw.unit()) * side_m)
            };
            let bounds: Vec<_> = (0..30).map(|_| rectangle(15.0)).collect();
            let map = Clearing::around(&bounds);
            for _ in 0..2_000 {
                let (min, max) = rectangle(3.0);
                let meets = bounds.iter().any(|&(from, to)| min.cmple(to).all() && max.cmpge(from).all());
                let is_empty = map.is_empty(min, max);
                assert!(!(meets && is_empty), "seed 9, round {round}: {min} to {max}");
                open += u32::from(is_empty);
            }
        }
        assert!(open > 20_000, "most places are in the open: {open} of 40,000");
        assert!(Clearing::around(&[]).is_empty(Vec2::ZERO, Vec2::ONE));
    }
}
