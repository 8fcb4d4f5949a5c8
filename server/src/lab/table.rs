//! A summary as text for people: a table, and a plot in block characters.

use std::fmt::Write;

use super::statistics::Estimate;
use super::summary::{MemberSummary, PhaseSummary, Summary};

/// Columns of the longest bar.
const BAR_COLUMNS: u32 = 50;
/// What the bars of the first and the second side are drawn with.
const MARKS: [char; 2] = ['█', '░'];

/// The whole summary, with the plot when it is asked for.
#[must_use]
pub fn text(summary: &Summary, with_plot: bool) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _infallible = write_all(&mut out, summary, with_plot);
    out
}

fn write_all(out: &mut String, summary: &Summary, with_plot: bool) -> std::fmt::Result {
    writeln!(out, "{} against {}", summary.sides[0], summary.sides[1])?;
    writeln!(out, "{} fights, seed {}; {}\n", summary.fights, summary.seed, summary.methods)?;
    let members = || summary.members.iter().flatten();
    let names = members().map(|member| member.name.as_str()).chain(summary.sides.iter().map(String::as_str));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0).max(12);
    writeln!(out, "{:width$}  {:>7}  {:>24}", "", "wins", "win rate")?;
    for side in 0..2 {
        let rate = percent(summary.win_rate[side]);
        writeln!(out, "{:width$}  {:>7}  {rate:>24}", summary.sides[side], summary.wins[side])?;
    }
    writeln!(out, "{:width$}  {:>7}", "draws", summary.draws)?;
    writeln!(out, "{:width$}  {:>7}\n", "undecided", summary.undecided)?;
    let time = &summary.time;
    writeln!(
        out,
        "time to kill: median {} s, 5 % below {:.2} s, 95 % below {:.2} s, mean {} s\n",
        spread(time.median_s),
        time.p5_s,
        time.p95_s,
        spread(time.mean_s),
    )?;
    writeln!(
        out,
        "{:width$}  {:>24}  {:>24}  {:>24}  {:>7}  {:>24}  {:>7}",
        "", "damage/s", "healing/s", "taken/s", "died", "after s", "left"
    )?;
    members().try_for_each(|member| write_member(out, member, width))?;
    write_phases(out, &summary.phases)?;
    if with_plot {
        write_plot(out, summary)?;
        write_course(out, summary)?;
    }
    Ok(())
}

fn write_phases(out: &mut String, phases: &[PhaseSummary]) -> std::fmt::Result {
    if phases.is_empty() {
        return Ok(());
    }
    let name = |phase: &PhaseSummary| format!("{}: {}", phase.monster, phase.phase);
    let width = phases.iter().map(|phase| name(phase).chars().count()).max().unwrap_or(0).max(6);
    writeln!(out, "\n{:width$}  {:>24}  {:>24}  {:>24}", "phases", "reached", "begins after s", "lasts s")?;
    for phase in phases {
        let (reached, begins, lasts) = (percent(phase.reached), spread(phase.begins_s), spread(phase.lasts_s));
        writeln!(out, "{:width$}  {reached:>24}  {begins:>24}  {lasts:>24}", name(phase))?;
    }
    Ok(())
}

fn write_member(out: &mut String, member: &MemberSummary, width: usize) -> std::fmt::Result {
    let [dps, hps, taken] = [member.dps, member.hps, member.taken_per_s].map(spread);
    let (died, left) = (member.died.value * 100.0, member.left.value * 100.0);
    let after = if member.died.value > 0.0 { spread(member.died_s) } else { "-".to_owned() };
    writeln!(
        out,
        "{:width$}  {dps:>24}  {hps:>24}  {taken:>24}  {died:>5.1} %  {after:>24}  {left:>5.1} %",
        member.name
    )
}

/// What each side does in each stretch: a pair of bars, each to the scale of the largest.
fn write_course(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let most = summary.course.iter().flat_map(|stretch| stretch.dps.map(|dps| dps.value)).fold(1e-9, f64::max);
    writeln!(
        out,
        "\ndamage/s in the course of a fight; {} {}, {} {}",
        MARKS[0], summary.sides[0], MARKS[1], summary.sides[1]
    )?;
    for stretch in &summary.course {
        for (side, dps) in stretch.dps.into_iter().enumerate() {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 50 columns")]
            let columns = (dps.value / most * f64::from(BAR_COLUMNS)).round() as usize;
            let bar: String = std::iter::repeat_n(MARKS[side], columns).collect();
            match side {
                0 => write!(out, "{:>8.1} s |", stretch.from_s)?,
                _ => write!(out, "{:>10} |", "")?,
            }
            writeln!(out, "{bar} {:.1}", dps.value)?;
        }
    }
    Ok(())
}

fn write_plot(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let bars = &summary.histogram.bars;
    let most = bars.iter().map(|bar| bar.wins[0] + bar.wins[1]).max().unwrap_or(0).max(1);
    let columns = |wins: u32| (u64::from(wins) * u64::from(BAR_COLUMNS)).div_ceil(u64::from(most)) as usize;
    writeln!(
        out,
        "\nfights by duration; won by {} {}, by {} {}",
        MARKS[0], summary.sides[0], MARKS[1], summary.sides[1]
    )?;
    for bar in bars {
        let [first, second] = bar.wins;
        // The whole bar is as long as both together; the parts share it.
        let (all, own) = (columns(first + second), columns(first));
        let drawn: String = (0..all).map(|column| MARKS[usize::from(column >= own)]).collect();
        writeln!(out, "{:>8.2} s |{drawn} {}", bar.from_s, first + second)?;
    }
    Ok(())
}

fn percent(share: Estimate) -> String {
    let Estimate { value, low, high } = share.times(100.0);
    format!("{value:.1} % ({low:.1} .. {high:.1})")
}

fn spread(estimate: Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    format!("{value:.2} ({low:.2} .. {high:.2})")
}
