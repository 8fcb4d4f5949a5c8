//! A summary as a picture: how long fights took and who won them in stacked bars, below it what each side does in the
//! course of a fight with its interval and the phases that begin, in one SVG file without outside references. Numbers are written with a fixed number of digits, so that equal summaries are equal files.

use std::fmt::Write;

use super::summary::Summary;

/// Size of the picture in pixels.
const SIZE: (f64, f64) = (720.0, 620.0);
/// Where the upper plot ends and the lower one begins, in pixels from above.
const HALF: f64 = 360.0;
/// Empty pixels around the plot: at both sides, above, below.
const MARGIN: (f64, f64, f64) = (56.0, 72.0, 44.0);
/// Colours of the sides.
const COLOURS: [&str; 2] = ["#2b6cb0", "#dd6b20"];

/// The picture.
#[must_use]
pub fn picture(summary: &Summary) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _infallible = draw(&mut out, summary);
    out
}

fn draw(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let (width, height) = SIZE;
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" font-family="sans-serif" font-size="13">"#
    )?;
    writeln!(out, r#"<rect width="{width:.0}" height="{height:.0}" fill="white"/>"#)?;
    for (side, colour) in COLOURS.into_iter().enumerate() {
        let (y, rate) = (24.0 + 18.0 * side as f64, summary.win_rate[side].times(100.0));
        let name = escaped(&summary.sides[side]);
        writeln!(out, r#"<rect x="{:.1}" y="{:.1}" width="11" height="11" fill="{}"/>"#, MARGIN.0, y - 10.0, colour)?;
        writeln!(
            out,
            r#"<text x="{:.1}" y="{y:.1}">{name}: {:.1} % ({:.1} .. {:.1})</text>"#,
            MARGIN.0 + 18.0,
            rate.value,
            rate.low,
            rate.high,
        )?;
    }
    draw_bars(out, summary)?;
    let about = format!("{} fights, seed {}; seconds until one side is dead", summary.fights, summary.seed);
    writeln!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{about}</text>"#, width / 2.0, HALF - 10.0)?;
    draw_course(out, summary)?;
    let about = "damage per second in the course of a fight, with its interval at 95 %";
    writeln!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{about}</text>"#, width / 2.0, height - 10.0)?;
    writeln!(out, "</svg>")
}

fn draw_bars(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let bars = &summary.histogram.bars;
    let most = bars.iter().map(|bar| bar.wins[0] + bar.wins[1]).max().unwrap_or(0).max(1);
    let (plot_width, floor) = (SIZE.0 - 2.0 * MARGIN.0, HALF - MARGIN.2);
    let (step, scale) = (plot_width / bars.len().max(1) as f64, (floor - MARGIN.1) / f64::from(most));
    writeln!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{most}</text>"#, MARGIN.0 - 6.0, MARGIN.1 + 4.0)?;
    for (index, bar) in bars.iter().enumerate() {
        let (x, mut y) = (MARGIN.0 + index as f64 * step, floor);
        for (wins, colour) in bar.wins.into_iter().zip(COLOURS) {
            let tall = f64::from(wins) * scale;
            y -= tall;
            writeln!(
                out,
                r#"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{tall:.1}" fill="{colour}"/>"#,
                step - 1.0
            )?;
        }
        if index % 4 == 0 {
            writeln!(out, r#"<text x="{x:.1}" y="{:.1}">{:.1}</text>"#, floor + 16.0, bar.from_s)?;
        }
    }
    let right = SIZE.0 - MARGIN.0;
    writeln!(out, r#"<path d="M {:.1} {floor:.1} H {right:.1}" stroke="black"/>"#, MARGIN.0)
}

fn draw_course(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let course = &summary.course;
    let end_s = course.last().map_or(1.0, |last| last.from_s).max(1.0);
    let most = course.iter().flat_map(|stretch| stretch.dps.map(|dps| dps.high)).fold(1.0, f64::max);
    let (floor, ceiling) = (SIZE.1 - MARGIN.2, HALF + 20.0);
    let x = |s: f64| MARGIN.0 + s / end_s * (SIZE.0 - 2.0 * MARGIN.0);
    let y = |dps: f64| floor - dps.max(0.0) / most * (floor - ceiling);
    let point = |s: f64, dps: f64| format!("{:.1},{:.1}", x(s), y(dps));
    for (side, colour) in COLOURS.into_iter().enumerate() {
        let upper = course.iter().map(|stretch| point(stretch.from_s, stretch.dps[side].high));
        let lower = course.iter().rev().map(|stretch| point(stretch.from_s, stretch.dps[side].low));
        let band: Vec<String> = upper.chain(lower).collect();
        let line: Vec<String> = course.iter().map(|stretch| point(stretch.from_s, stretch.dps[side].value)).collect();
        writeln!(out, r#"<polygon points="{}" fill="{colour}" fill-opacity="0.2"/>"#, band.join(" "))?;
        writeln!(out, r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#, line.join(" "))?;
    }
    for phase in summary.phases.iter().filter(|phase| phase.begins_s.value <= end_s) {
        let (at, name) = (x(phase.begins_s.value), escaped(&phase.phase));
        writeln!(out, r##"<path d="M {at:.1} {floor:.1} V {ceiling:.1}" stroke="#718096" stroke-dasharray="4 3"/>"##)?;
        writeln!(out, r#"<text x="{:.1}" y="{:.1}">{name}</text>"#, at + 3.0, ceiling + 10.0)?;
    }
    writeln!(out, r#"<text x="{:.1}" y="{ceiling:.1}" text-anchor="end">{most:.0}</text>"#, MARGIN.0 - 6.0)?;
    writeln!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{end_s:.0}</text>"#, x(end_s), floor + 16.0)?;
    writeln!(out, r#"<path d="M {:.1} {floor:.1} H {:.1}" stroke="black"/>"#, MARGIN.0, x(end_s))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
