//! How long fights took, in bars: which widths read well, and what falls into each.

use serde::Serialize;
use sim::laboratory::{Bout, Winner};
use sim::tick::TICK_MS;

/// Most bars of a plot.
const BARS_MAX: u32 = 20;
/// Widths that read well, in ticks: 0.05 s to 5 min.
const WIDTHS: [u32; 12] = [1, 2, 4, 10, 20, 40, 100, 200, 400, 1_200, 2_400, 6_000];

/// Durations of decided fights, counted by who won.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Width of a bar in seconds.
    pub width_s: f64,
    /// The bars in ascending order, without gaps.
    pub bars: Vec<Bar>,
}

/// One bar: fights that took from `from_s` to less than a width more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bar {
    /// Where it begins, in seconds.
    pub from_s: f64,
    /// Fights won by the first and the second side.
    pub wins: [u32; 2],
}

impl Histogram {
    /// Counts the fights that one side won.
    #[must_use]
    pub fn of(bouts: &[Bout]) -> Self {
        let won = |bout: &Bout| match bout.winner {
            Winner::Side(side) => Some((bout.ticks, side)),
            Winner::Nobody | Winner::Undecided => None,
        };
        let won: Vec<(u32, usize)> = bouts.iter().filter_map(won).collect();
        let (least, most) =
            won.iter().fold((u32::MAX, 0), |(least, most), (ticks, _)| (least.min(*ticks), most.max(*ticks)));
        if won.is_empty() {
            return Self { width_s: seconds(WIDTHS[0]), bars: Vec::new() };
        }
        let width = width_for(least, most);
        let first = least / width;
        let count = most / width - first + 1;
        let bar = |index| Bar { from_s: seconds((first + index) * width), wins: [0, 0] };
        let mut bars: Vec<Bar> = (0..count).map(bar).collect();
        for (ticks, side) in won {
            bars[(ticks / width - first) as usize].wins[side] += 1;
        }
        Self { width_s: seconds(width), bars }
    }
}

/// The narrowest width with few enough bars.
fn width_for(least: u32, most: u32) -> u32 {
    let fits = |width: &u32| most / width - least / width < BARS_MAX;
    WIDTHS.into_iter().find(fits).unwrap_or_else(|| (most - least).div_ceil(BARS_MAX - 1))
}

/// Seconds in so many ticks.
#[must_use]
pub fn seconds(ticks: u32) -> f64 {
    f64::from(ticks) * f64::from(TICK_MS) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bout(ticks: u32, winner: Winner) -> Bout {
        let (members, damage) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        Bout { winner, ticks, members, damage, phases: Vec::new() }
    }

    #[test]
    fn every_decided_fight_is_in_one_bar_and_nothing_else_is() {
        let mut bouts: Vec<Bout> = (100..500).map(|ticks| bout(ticks, Winner::Side(ticks as usize % 2))).collect();
        bouts.push(bout(7, Winner::Undecided));
        bouts.push(bout(9, Winner::Nobody));
        let histogram = Histogram::of(&bouts);
        assert_eq!((histogram.width_s, histogram.bars.len()), (1.0, 20));
        assert_eq!(histogram.bars.iter().flat_map(|bar| bar.wins).sum::<u32>(), 400);
        assert_eq!((histogram.bars[0].from_s, histogram.bars[0].wins), (5.0, [10, 10]));
    }

    #[test]
    fn one_fight_and_none_can_be_plotted() {
        assert_eq!(Histogram::of(&[bout(33, Winner::Side(0))]).bars, [Bar { from_s: 1.65, wins: [1, 0] }]);
        assert!(Histogram::of(&[]).bars.is_empty());
    }

    #[test]
    fn any_range_has_at_most_twenty_bars() {
        for (least, most) in [(0, 0), (1, 20), (0, 36_000), (35_999, 36_000), (0, u32::MAX)] {
            let width = width_for(least, most);
            assert!(most / width - least / width < BARS_MAX, "{least} to {most}: {width}");
        }
    }
}
