//! Curves: numbers over levels. A curve is a list of points or two columns of a number table, joined by straight lines, by
//! steps or by constant growth. All of it is worked out once at load, in integers; beyond its ends a curve stays level.

use serde::{Deserialize, Serialize};

use super::{Record, RefVisitor};
use crate::formula::{Interval, MICRO};

/// One curve, `curve/..`: either `points` or `table` and `column`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurveDef {
    /// `curve/name`; the name alone is what records write.
    pub id: String,
    /// Places and values, places ascending: `[(1, 100), (60, 9_000)]`.
    #[serde(default)]
    pub points: Vec<(i32, i32)>,
    /// A number table whose first column holds the places.
    #[serde(default)]
    pub table: Option<String>,
    /// Which column of the table holds the values, from 1 behind the places.
    #[serde(default = "first_column")]
    pub column: u32,
    /// What is between the points.
    #[serde(default)]
    pub between: Between,
    /// The curve worked out; filled by the loader.
    #[serde(skip)]
    pub(crate) line: std::sync::Arc<CurveLine>,
}

const fn first_column() -> u32 {
    1
}

/// What a curve does between two points.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Between {
    /// A straight line.
    #[default]
    Linear,
    /// The value of the point before.
    Step,
    /// The same growth in percent with each whole place; values are above 0.
    Exponential,
}

impl CurveDef {
    /// The curve worked out.
    #[must_use]
    pub const fn line(&self) -> &std::sync::Arc<CurveLine> {
        &self.line
    }

    /// The value at a whole place such as a level, rounded to the nearest, halves away from zero.
    #[must_use]
    pub fn at(&self, place: i64) -> i64 {
        let micro = self.line.at_micro(i128::from(place) * MICRO);
        i64::try_from(super::Rounding::HalfUp.divide(micro, MICRO)).unwrap_or(i64::MAX)
    }
}

impl Record for CurveDef {
    const KIND: &'static str = "curve";
    const FOLDER: &'static str = "curves";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, _visitor: &mut dyn RefVisitor) {}
}

/// So much of a rise as `way` is of `run`, rounded to the nearest.
fn part(rise: i128, way: i128, run: i128) -> i128 {
    let short = |number: i128| i64::try_from(number).ok();
    // From one whole place to another everything is smaller by a million.
    let (own_way, own_run) = if way % MICRO == 0 && run % MICRO == 0 { (way / MICRO, run / MICRO) } else { (way, run) };
    if let (Some(rise), Some(way), Some(run)) = (short(rise), short(own_way), short(own_run))
        && let Some(product) = rise.checked_mul(way)
    {
        return i128::from(super::Rounding::HalfUp.divide_short(product, run));
    }
    super::Rounding::HalfUp.divide(rise * way, run)
}

/// A curve as it is evaluated: points in millionths, joined by straight lines or steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CurveLine {
    points: Vec<(i128, i128)>,
    steps: bool,
}

impl CurveLine {
    /// Works a curve out; `points` are ascending in place.
    #[must_use]
    pub fn new(points: &[(i32, i32)], between: Between) -> Self {
        let micro = |(place, value): (i32, i32)| (i128::from(place) * MICRO, i128::from(value) * MICRO);
        let mut line = Vec::with_capacity(points.len());
        for (index, &point) in points.iter().enumerate() {
            if let Some(&before) = index.checked_sub(1).and_then(|before| points.get(before))
                && between == Between::Exponential
            {
                growth(before, point, &mut line);
            }
            line.push(micro(point));
        }
        Self { points: line, steps: between == Between::Step }
    }

    /// The value at a place, both in millionths; rounded to the nearest millionth. 0 for a curve without points.
    #[must_use]
    pub fn at_micro(&self, place: i128) -> i128 {
        let after = self.points.partition_point(|(own, _)| *own <= place);
        let before = after.checked_sub(1).and_then(|before| self.points.get(before));
        match (before, self.points.get(after)) {
            (None, None) => 0,
            (None, Some((_, value))) | (Some((_, value)), None) => *value,
            (Some((_, value)), Some(_)) if self.steps => *value,
            (Some((x0, y0)), Some((x1, y1))) => y0 + part(y1 - y0, place - x0, x1 - x0),
        }
    }

    /// Everything the curve can be over an interval of places.
    #[must_use]
    pub fn enclose(&self, places: Interval) -> Interval {
        let ends = [places.lo, places.hi].map(|place| self.at_micro(place));
        let inside = self.points.iter().filter(|(place, _)| places.contains(*place)).map(|(_, value)| *value);
        let (mut lo, mut hi) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        for value in inside {
            (lo, hi) = (lo.min(value), hi.max(value));
        }
        Interval { lo, hi }
    }
}

/// Scale of the growth per place.
const GROWTH: i128 = 1_000_000_000_000;

/// The whole places between two points under constant growth. The factor per place is the greatest that does not overshoot
/// the second point, found by halving; what its rounding leaves is less than a millionth part.
fn growth(first: (i32, i32), last: (i32, i32), line: &mut Vec<(i128, i128)>) {
    let places = last.0.saturating_sub(first.0);
    if first.1 <= 0 || last.1 <= 0 || places < 2 {
        return;
    }
    let (start, end) = (i128::from(first.1) * MICRO, i128::from(last.1) * MICRO);
    let reaches = |factor: i128| {
        let mut value = start;
        for _ in 0..places {
            value = value * factor / GROWTH;
            if value > end.max(start) * 2 {
                break;
            }
        }
        value
    };
    let (mut low, mut high) = (0, GROWTH * (end / start + 2));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if reaches(middle) <= end { low = middle } else { high = middle }
    }
    let mut value = start;
    for step in 1..places {
        value = value * low / GROWTH;
        line.push((i128::from(first.0 + step) * MICRO, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(points: &[(i32, i32)], between: Between, places: &[i64]) -> Vec<i64> {
        let line = std::sync::Arc::new(CurveLine::new(points, between));
        let def = CurveDef { id: String::new(), points: Vec::new(), table: None, column: 1, between, line };
        places.iter().map(|&place| def.at(place)).collect()
    }

    #[test]
    fn lines_steps_and_growth_meet_their_points_and_stay_level_beyond() {
        let points = [(1, 100), (11, 200), (21, 100)];
        assert_eq!(at(&points, Between::Linear, &[0, 1, 6, 11, 12, 21, 99]), [100, 100, 150, 200, 190, 100, 100]);
        assert_eq!(at(&points, Between::Step, &[0, 1, 10, 11, 20, 21]), [100, 100, 100, 200, 200, 100]);
        // 100 to 1,600 in four places is doubling.
        assert_eq!(at(&[(1, 100), (5, 1_600)], Between::Exponential, &[1, 2, 3, 4, 5]), [100, 200, 400, 800, 1_600]);
        assert_eq!(at(&[(1, 1_600), (5, 100)], Between::Exponential, &[1, 2, 3, 4, 5]), [1_600, 800, 400, 200, 100]);
    }

    proptest::proptest! {
        #[test]
        fn a_part_of_a_rise_on_64_bits_is_that_on_128(
            rise in -1_000_000_000_000_000_i128..1_000_000_000_000_000,
            (way, run) in (0_i128..100_000_000, 1_i128..100_000_000),
            whole in proptest::prelude::any::<bool>(),
        ) {
            let unit = if whole { MICRO } else { 1 };
            let wide = crate::assets::Rounding::HalfUp.divide(rise * way * unit, run * unit);
            proptest::prop_assert_eq!(part(rise, way * unit, run * unit), wide);
        }

        #[test]
        fn a_curve_lies_in_what_encloses_it(
            mut places in proptest::collection::btree_map(-50_i32..150, 1_i32..100_000, 1..8),
            lo in -60_i64..160,
            length in 0_i64..100,
            part in 0_i64..=100,
            kind in 0..3,
        ) {
            let between = [Between::Linear, Between::Step, Between::Exponential][kind as usize];
            let points: Vec<(i32, i32)> = std::mem::take(&mut places).into_iter().collect();
            let line = CurveLine::new(&points, between);
            let interval = line.enclose(Interval::whole(lo, lo + length));
            let place = i128::from(lo) * MICRO + i128::from(length * part) * MICRO / 100;
            proptest::prop_assert!(interval.contains(line.at_micro(place)));
        }
    }
}
