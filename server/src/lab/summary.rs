//! What many fights of one contest say: who wins how often, how long it takes, what each member does in a second.
//! Every figure that is an estimate has its interval at 95 %; how each is made is said in [`METHODS`].

use serde::Serialize;
use sim::assets::Assets;
use sim::laboratory::{Bout, Contest, MemberRecord, Winner};

use super::histogram::{Histogram, seconds};
use super::name_of;
use super::statistics::{Estimate, mean, median, quantile, share};

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
            sides: [0, 1].map(|side| side_name(assets, contest, side)),
            fights: bouts.len(),
            seed,
            wins,
            win_rate: wins.map(|wins| share(wins, bouts.len())),
            draws: won_by(Winner::Nobody),
            undecided: won_by(Winner::Undecided),
            time: times(bouts),
            members,
            histogram: Histogram::of(bouts),
            methods: METHODS,
        }
    }
}

/// The members of a side with how often each stands there, in order.
fn side_name(assets: &std::sync::Arc<Assets>, contest: &Contest, side: usize) -> String {
    let names = contest.sides[side].iter().map(|combatant| name_of(assets, combatant));
    let mut counted: Vec<(String, usize)> = Vec::new();
    for name in names {
        match counted.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => counted.push((name, 1)),
        }
    }
    let written = |(name, count): (String, usize)| if count == 1 { name } else { format!("{count} {name}") };
    counted.into_iter().map(written).collect::<Vec<_>>().join(", ")
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
    let deaths = bouts.iter().filter(|bout| bout.members[side][member].died_tick.is_some()).count();
    MemberSummary {
        name,
        dps: per_second(|record| record.damage),
        hps: per_second(|record| record.healing),
        taken_per_s: per_second(|record| record.taken),
        died: share(deaths, bouts.len()),
    }
}
