//! The clock and the report: everyone answers all questions of a round before the next one's turn, the order
//! changes by round, and each question counts with the median of its rounds.

use std::hint::black_box;
use std::time::Instant;

use glam::{Vec3, Vec3Swizzles};

use crate::Effort;
use crate::finder::Finder;

/// Answers within this are the same, as a part of a ray or in metres.
const SAME: f32 = 0.02;

/// Times path searches: every search alone.
pub(crate) fn paths(part: &str, pairs: &[[Vec3; 2]], finders: &mut [Box<dyn Finder + '_>], effort: &Effort) {
    let mut samples = vec![vec![Vec::new(); pairs.len()]; finders.len()];
    let mut answers = vec![vec![(false, 0.0); pairs.len()]; finders.len()];
    for finder in &mut *finders {
        finder.prepare(pairs);
    }
    for round in 0..effort.rounds {
        for turn in 0..finders.len() {
            let at = (round + turn) % finders.len();
            let finder = &mut finders[at];
            if round >= finder.rounds_max() {
                continue;
            }
            for index in 0..pairs.len().min(finder.queries_max()) {
                let start = Instant::now();
                let is_complete = black_box(finder.path(black_box(index)));
                samples[at][index].push(start.elapsed().as_secs_f64() * 1e9);
                answers[at][index] = (is_complete, finder.length_m());
            }
        }
    }
    println!("{part}: {} pairs", pairs.len());
    let ours: Vec<f64> = samples[0].iter().cloned().map(median).collect();
    for ((finder, samples), theirs) in finders.iter().zip(samples).zip(&answers) {
        let asked = pairs.len().min(finder.queries_max());
        let each: Vec<f64> = samples.into_iter().take(asked).map(median).collect();
        let complete = theirs[..asked].iter().filter(|(is_complete, _)| *is_complete).count();
        let both = answers[0].iter().zip(&theirs[..asked]).filter(|(ours, theirs)| ours.0 && theirs.0);
        let ratios: Vec<f64> = both.map(|(ours, theirs)| f64::from(theirs.1 / ours.1)).collect();
        let against = mean(&each) / mean(&ours[..asked]);
        let worst = each.iter().fold(0.0, |worst: f64, &one| worst.max(one));
        print!("  {}: {} of {asked} complete, ", finder.name(), complete);
        print!("{:.0} ns median, {:.0} ns mean, {worst:.0} ns worst", median(each.clone()), mean(&each));
        let ends = ratios.iter().fold((f64::MAX, 0.0_f64), |(least, most), &one| (least.min(one), most.max(one)));
        let lengths = format!(", length {:.4} x ours ({:.3} to {:.3})", mean(&ratios), ends.0, ends.1);
        let lengths = if ratios.is_empty() { String::new() } else { lengths };
        println!(", time {against:.2} x ours{lengths}");
    }
}

/// Times rays, all of a round together.
pub(crate) fn rays(part: &str, pairs: &[[Vec3; 2]], finders: &mut [Box<dyn Finder + '_>], effort: &Effort) {
    println!("{part}: {} rays", pairs.len());
    for finder in &mut *finders {
        finder.prepare(pairs);
    }
    let mut ask = |finder: &mut dyn Finder, index| finder.ray(index);
    let is_same = |ours: &f32, theirs: &f32| (ours - theirs).abs() < SAME;
    in_rounds(pairs.len(), finders, effort, &mut ask, is_same);
}

/// Times looking up the nearest polygon, all of a round together.
pub(crate) fn nearest(part: &str, places: &[Vec3], finders: &mut [Box<dyn Finder + '_>], effort: &Effort) {
    println!("{part}: {} places", places.len());
    let mut ask = |finder: &mut dyn Finder, index: usize| finder.nearest(places[index]);
    let is_same = |ours: &Option<Vec3>, theirs: &Option<Vec3>| match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours.xz().distance(theirs.xz()) < SAME,
        (ours, theirs) => ours.is_none() == theirs.is_none(),
    };
    in_rounds(places.len(), finders, effort, &mut ask, is_same);
}

/// Asks everyone who can answer a kind of question, round by round. `ask` gives `None` for who cannot.
fn in_rounds<T: Copy>(
    questions: usize,
    finders: &mut [Box<dyn Finder + '_>],
    effort: &Effort,
    ask: &mut dyn FnMut(&mut dyn Finder, usize) -> Option<T>,
    is_same: impl Fn(&T, &T) -> bool,
) {
    let mut rounds = vec![Vec::new(); finders.len()];
    let mut answers = vec![Vec::new(); finders.len()];
    for round in 0..effort.rounds {
        for turn in 0..finders.len() {
            let at = (round + turn) % finders.len();
            answers[at].clear();
            let start = Instant::now();
            for index in 0..questions {
                answers[at].push(ask(finders[at].as_mut(), black_box(index)));
            }
            rounds[at].push(start.elapsed().as_secs_f64() * 1e9 / questions as f64);
        }
    }
    let ours = median(rounds[0].clone());
    for ((finder, rounds), theirs) in finders.iter().zip(rounds).zip(&answers) {
        let answered: Vec<(T, T)> = answers[0].iter().zip(theirs).filter_map(|(a, b)| Some(((*a)?, (*b)?))).collect();
        if answered.is_empty() {
            continue;
        }
        let same = answered.iter().filter(|(ours, theirs)| is_same(ours, theirs)).count() * 100;
        let each = median(rounds);
        println!(
            "  {}: {each:.0} ns, time {:.2} x ours, {:.1} % of answers as ours",
            finder.name(),
            each / ours,
            same as f64 / answered.len() as f64
        );
    }
}

/// The middle one, or the mean of the middle two; 0 of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count.is_multiple_of(2) => f64::midpoint(values[half - 1], values[half]),
        _ => values[half],
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
