//! What many fights of one contest say: who wins how often, how long it takes, what each member does in a second.
//! Every figure that is an estimate has its interval at 95 %; how each is made is said in [`METHODS`].

use serde::Serialize;
use sim::assets::Assets;
use sim::laboratory::{Bout, Contest, MemberRecord, Winner};

use super::histogram::{Histogram, seconds};
use super::statistics::{Estimate, mean, median, quantile, share};
use super::{course, name_of, party_name};

/// How the intervals are made.
pub const METHODS: &str = "intervals at 95 %: shares Wilson's score, medians order statistics, means Student's t";

/// A series of fights, summed up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The sides, as ids with counts and levels.
    pub sides: [String; 2],
    /// How many fights there were.
    pub fights: usize,
    /// The seed of the series.
    pub seed: u64,
    /// Fights each side won.
    pub wins: [usize; 2],
    /// The share of all fights each side won.
    pub win_rate: [Estimate; 2],
    /// Fights that nobody survived.
    pub draws: usize,
    /// Fights that reached the limit.
    pub undecided: usize,
    /// How long the decided fights took.
    pub time: Times,
    /// Each member's figures, by side.
    pub members: [Vec<MemberSummary>; 2],
    /// Phases of the fight that began, in the order in which they do.
    pub phases: Vec<PhaseSummary>,
    /// What each side does in the course of a fight.
    pub course: Vec<Stretch>,
    /// The durations in bars.
    pub histogram: Histogram,
    /// How the intervals are made.
    pub methods: &'static str,
}

/// Durations of the fights that one side won, in seconds; zeros when there were none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Times {
    /// Half of them took no longer.
    pub median_s: Estimate,
    /// One in twenty took no longer.
    pub p5_s: f64,
    /// Nineteen of twenty took no longer.
    pub p95_s: f64,
    /// The mean.
    pub mean_s: Estimate,
}

/// What one member does in a fight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberSummary {
    /// Its id and level.
    pub name: String,
    /// Damage per second of the fight.
    pub dps: Estimate,
    /// Healing per second of the fight.
    pub hps: Estimate,
    /// Damage taken per second of the fight.
    pub taken_per_s: Estimate,
    /// The share of fights it died in.
    pub died: Estimate,
    /// When it died, in seconds, in the median of the fights it died in; zeros when it never did.
    pub died_s: Estimate,
    /// What it had left of its hit points in the end, 0 to 1; dead, nothing.
    pub left: Estimate,
}

/// When a phase of a monster begins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseSummary {
    /// The monster.
    pub monster: String,
    /// Its phase.
    pub phase: String,
    /// The share of fights in which it began.
    pub reached: Estimate,
    /// Seconds into the fight at which it began for the first time, in the median of those fights.
    pub begins_s: Estimate,
    /// Seconds until the next phase, or the end of the fight, on average.
    pub lasts_s: Estimate,
}

/// A stretch of a fight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stretch {
    /// Where it begins, in seconds.
    pub from_s: f64,
    /// Fights that went on so long.
    pub fights: usize,
    /// Damage per second of each side, while those fights went on.
    pub dps: [Estimate; 2],
}

impl Summary {
    /// Sums up the fights of a contest.
    #[must_use]
    pub fn of(assets: &std::sync::Arc<Assets>, contest: &Contest, seed: u64, bouts: &[Bout]) -> Self {
        let won_by = |winner: Winner| bouts.iter().filter(|bout| bout.winner == winner).count();
        let wins = [0, 1].map(|side| won_by(Winner::Side(side)));
        let members = [0, 1].map(|side| {
            let named = contest.sides[side].iter().enumerate();
            named.map(|(member, own)| member_summary(name_of(assets, own), bouts, side, member)).collect()
        });
        Self {
            sides: [0, 1].map(|side| party_name(assets, &contest.sides[side])),
            fights: bouts.len(),
            seed,
            wins,
            win_rate: wins.map(|wins| share(wins, bouts.len())),
            draws: won_by(Winner::Nobody),
            undecided: won_by(Winner::Undecided),
            time: times(bouts),
            members,
            phases: course::phases(assets, contest, bouts),
            course: course::stretches(bouts),
            histogram: Histogram::of(bouts),
            methods: METHODS,
        }
    }
}

fn times(bouts: &[Bout]) -> Times {
    let decided = bouts.iter().filter(|bout| matches!(bout.winner, Winner::Side(_)));
    let mut ticks: Vec<u32> = decided.map(|bout| bout.ticks).collect();
    ticks.sort_unstable();
    let in_seconds: Vec<f64> = ticks.iter().map(|ticks| seconds(*ticks)).collect();
    Times {
        median_s: median(&ticks).times(seconds(1)),
        p5_s: seconds(quantile(&ticks, 0.05)),
        p95_s: seconds(quantile(&ticks, 0.95)),
        mean_s: mean(&in_seconds),
    }
}

fn member_summary(name: String, bouts: &[Bout], side: usize, member: usize) -> MemberSummary {
    let per_second = |of: fn(&MemberRecord) -> u64| {
        let rate = |bout: &Bout| of(&bout.members[side][member]) as f64 / seconds(bout.ticks.max(1));
        mean(&bouts.iter().map(rate).collect::<Vec<_>>())
    };
    let own = || bouts.iter().map(|bout| &bout.members[side][member]);
    let mut deaths: Vec<u32> = own().filter_map(|record| record.died_tick).collect();
    deaths.sort_unstable();
    let left = |record: &MemberRecord| f64::from(record.hp) / f64::from(record.hp_max.max(1));
    MemberSummary {
        name,
        dps: per_second(|record| record.damage),
        hps: per_second(|record| record.healing),
        taken_per_s: per_second(|record| record.taken),
        died: share(deaths.len(), bouts.len()),
        died_s: median(&deaths).times(seconds(1)),
        left: mean(&own().map(left).collect::<Vec<_>>()),
    }
}
