//! Who stands where, for avoidance and separation: bodies near those who move, sorted by square and id, so that
//! every question visits its answers in one order in every replay. Built in the Think and in the Move stage.

use glam::{Vec2, Vec3};

use crate::ids::SimId;

/// Edge of a square in metres: about the distance to which a walker looks.
const SQUARE_M: f32 = 3.0;
/// Edge of a square of the coarse marks, in metres; at least as far as anyone looks.
const MARK_M: f32 = 8.0;
/// Marks, as bits: a few thousand walkers leave most of them free.
const MARKS: usize = 1 << 15;

/// One body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Body {
    pub(super) id: SimId,
    pub(super) feet: Vec3,
    pub(super) velocity: Vec2,
    pub(super) radius_m: f32,
    pub(super) height_m: f32,
    /// Yields to others: a walker on its way, and not a player or someone who stands.
    pub(super) yields: bool,
}

impl Body {
    pub(super) fn place(&self) -> Vec2 {
        Vec2::new(self.feet.x, self.feet.z)
    }

    /// True when two bodies share some height, so that one can be in the other's way.
    pub(super) fn is_level_with(&self, other: &Self) -> bool {
        self.feet.y < other.feet.y + other.height_m && other.feet.y < self.feet.y + self.height_m
    }
}

/// Bodies by square. Its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    sorted: Vec<(u64, Body)>,
    marks: Vec<u64>,
}

impl Bodies {
    /// Forgets all bodies and marks.
    pub(super) fn clear(&mut self) {
        self.sorted.clear();
        self.marks.clear();
        self.marks.resize(MARKS / 64, 0);
    }

    /// Marks the surroundings of one who moves: others are of interest there only.
    pub(super) fn mark(&mut self, place: Vec2) {
        let (column, row) = square(place, MARK_M);
        for row in row - 1..=row + 1 {
            for column in column - 1..=column + 1 {
                let bit = mark_bit(column, row);
                self.marks[bit / 64] |= 1 << (bit % 64);
            }
        }
    }

    /// True near a marked place; now and then elsewhere, which costs time and changes nothing.
    pub(super) fn is_marked(&self, place: Vec2) -> bool {
        let (column, row) = square(place, MARK_M);
        let bit = mark_bit(column, row);
        self.marks.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Takes one body; [`Bodies::sort`] comes after the last.
    pub(super) fn push(&mut self, body: Body) {
        let (column, row) = square(body.place(), SQUARE_M);
        self.sorted.push((key(column, row), body));
    }

    pub(super) fn sort(&mut self) {
        self.sorted.sort_unstable_by_key(|(key, body)| (*key, body.id));
    }

    /// All bodies, by square and id.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Body> {
        self.sorted.iter().map(|(_, body)| body)
    }

    /// Visits every body within a distance of a place, by square and id, with its place in the order of
    /// [`Bodies::iter`] and the square of its distance.
    pub(super) fn for_each_within(&self, place: Vec2, radius_m: f32, mut visit: impl FnMut(usize, &Body, f32)) {
        let (first_column, first_row) = square(place - Vec2::splat(radius_m), SQUARE_M);
        let (last_column, last_row) = square(place + Vec2::splat(radius_m), SQUARE_M);
        for row in first_row..=last_row {
            let first = self.sorted.partition_point(|(at, _)| *at < key(first_column, row));
            let run = self.sorted[first..].iter().take_while(|(at, _)| *at <= key(last_column, row));
            for (index, (_, body)) in (first..).zip(run) {
                let distance_squared = body.place().distance_squared(place);
                if distance_squared <= radius_m * radius_m {
                    visit(index, body, distance_squared);
                }
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a scene is far smaller than 2^31 squares; casts saturate")]
fn square(place: Vec2, edge_m: f32) -> (i32, i32) {
    let at = (place / edge_m).floor();
    (at.x as i32, at.y as i32)
}

/// Squares of a row have neighbouring keys.
fn key(column: i32, row: i32) -> u64 {
    // Half the range is added so that the order of the keys is that of the signed numbers.
    let unsigned = |number: i32| u64::from(number.cast_unsigned() ^ 0x8000_0000);
    unsigned(row) << 32 | unsigned(column)
}

fn mark_bit(column: i32, row: i32) -> usize {
    let mixed = key(column, row).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 49;
    usize::try_from(mixed).unwrap_or(0) % MARKS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, Stream};

    #[test]
    fn a_question_finds_what_brute_force_finds_in_order_of_square_and_id() {
        let random = Random::new(5);
        for round in 0..30_u32 {
            let mut draw = random.draw(round, SimId::new(1, 0), Stream("bodies"), 0);
            let mut within = |size: f32| Vec2::new(draw.unit() - 0.5, draw.unit() - 0.5) * size;
            let mut bodies = Bodies::default();
            bodies.clear();
            for index in (1..300_u32).rev() {
                let place = within(60.0);
                bodies.push(Body {
                    id: SimId::new(index, 0),
                    feet: Vec3::new(place.x, 0.0, place.y),
                    velocity: Vec2::ZERO,
                    radius_m: 0.4,
                    height_m: 1.8,
                    yields: true,
                });
            }
            bodies.sort();
            let (centre, radius_m) = (within(60.0), within(20.0).x.abs());
            let mut found = Vec::new();
            bodies.for_each_within(centre, radius_m, |index, body, _| found.push((index, body.id)));
            let near = |body: &Body| body.place().distance_squared(centre) <= radius_m * radius_m;
            let all = bodies.iter().enumerate().filter(|(_, body)| near(body));
            let expected: Vec<(usize, SimId)> = all.map(|(index, body)| (index, body.id)).collect();
            assert_eq!(found, expected, "seed 5, round {round}");
        }
    }

    #[test]
    fn the_surroundings_of_a_marked_place_are_marked() {
        let mut bodies = Bodies::default();
        bodies.clear();
        bodies.mark(Vec2::new(-100.3, 55.0));
        let near = |angle: f32| Vec2::new(-100.3, 55.0) + Vec2::from_angle(angle) * 7.9;
        assert!((0..64_u8).all(|step| bodies.is_marked(near(f32::from(step) * 0.1))));
        assert!(!bodies.is_marked(Vec2::new(300.0, 55.0)));
    }
}
