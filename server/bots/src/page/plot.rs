//! Plots as inline SVG: lines over time, stacked areas, and bars. Colours come from the page's style, so that the same
//! picture can be read on light and on dark ground.

use std::fmt::Write;

/// Size of a picture in its own units.
const SIZE: (f64, f64) = (480.0, 210.0);
/// Empty room: left, above, right, below.
const MARGIN: (f64, f64, f64, f64) = (56.0, 12.0, 12.0, 34.0);
/// About so many marks on an axis.
const MARKS: f64 = 5.0;

/// A named run of points from left to right.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

impl Curve {
    pub(super) fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { name: name.to_owned(), points: points.into_iter().filter(|(x, y)| (x + y).is_finite()).collect() }
    }
}

/// What a picture is of.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    /// Name and unit of the axes.
    pub(super) x: &'a str,
    pub(super) y: &'a str,
}

/// Where the data lie on the picture.
struct Frame {
    x: (f64, f64),
    y_max: f64,
}

impl Frame {
    fn x_at(&self, x: f64) -> f64 {
        let (from, to) = self.x;
        MARGIN.0 + (x - from) / (to - from).max(1e-9) * (SIZE.0 - MARGIN.0 - MARGIN.2)
    }

    fn y_at(&self, y: f64) -> f64 {
        SIZE.1 - MARGIN.3 - y.clamp(0.0, self.y_max) / self.y_max * (SIZE.1 - MARGIN.1 - MARGIN.3)
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let finite = points.filter(|(x, y)| x.is_finite() && y.is_finite());
        finite.map(|(x, y)| format!("{:.1},{:.1}", self.x_at(x), self.y_at(y))).collect::<Vec<_>>().join(" ")
    }
}

impl Plot<'_> {
    /// Lines, each in its own colour.
    pub(super) fn lines(&self, curves: &[Curve]) -> String {
        let frame = frame_of(curves.iter().flat_map(|curve| curve.points.iter().copied()));
        let mut inner = String::new();
        for (index, curve) in curves.iter().enumerate() {
            let points = frame.path(curve.points.iter().copied());
            let _infallible = writeln!(inner, r#"<polyline class="line c{index}" points="{points}"/>"#);
        }
        self.figure(&frame, &inner, curves, false)
    }

    /// Areas on top of each other, the first at the bottom; all curves have the same places.
    pub(super) fn stacked(&self, curves: &[Curve]) -> String {
        let places: Vec<f64> =
            curves.first().map(|curve| curve.points.iter().map(|(x, _)| *x).collect()).unwrap_or_default();
        let mut below = vec![0.0; places.len()];
        let mut layers = Vec::new();
        for curve in curves {
            let above: Vec<f64> = below.iter().zip(&curve.points).map(|(low, (_, y))| low + y).collect();
            layers.push((below, above.clone()));
            below = above;
        }
        let frame = frame_of(places.iter().copied().zip(below));
        let mut inner = String::new();
        for (index, (low, high)) in layers.iter().enumerate() {
            let there = places.iter().copied().zip(high.iter().copied());
            let back = places.iter().copied().zip(low.iter().copied()).rev();
            let points = frame.path(there.chain(back));
            let _infallible = writeln!(inner, r#"<polygon class="area c{index}" points="{points}"/>"#);
        }
        self.figure(&frame, &inner, curves, false)
    }

    /// How many were not above each bound, as bars of parts in per cent; `x` grows by factors.
    #[allow(clippy::cast_precision_loss, reason = "counts to draw")]
    pub(super) fn bars(&self, bars: &[(f64, u64)]) -> String {
        let all = bars.iter().map(|(_, count)| count).sum::<u64>().max(1) as f64;
        let last = bars.iter().rposition(|(_, count)| *count > 0).map_or(0, |last| last + 1);
        let shown: Vec<(f64, f64)> = bars
            .iter()
            .take(last)
            .map(|(bound, count)| (bound.max(1e-3).log10(), *count as f64 / all * 100.0))
            .collect();
        let step = shown.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(0.05, f64::max);
        let mut frame = frame_of(shown.iter().copied());
        frame.x.0 -= step;
        let mut inner = String::new();
        for ((bound, percent), (_, count)) in shown.iter().zip(bars) {
            let (left, right, top) = (frame.x_at(bound - step), frame.x_at(*bound), frame.y_at(*percent));
            let _infallible = writeln!(
                inner,
                r#"<rect class="bar c0" x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"><title>up to {:.2} ms: {count} ({percent:.2} %)</title></rect>"#,
                (right - left - 1.0).max(1.0),
                SIZE.1 - MARGIN.3 - top,
                10_f64.powf(*bound),
            );
        }
        self.figure(&frame, &inner, &[], true)
    }

    fn figure(&self, frame: &Frame, inner: &str, curves: &[Curve], is_log: bool) -> String {
        let mut out = format!("<figure><figcaption>{}</figcaption>", self.title);
        // Writing to a string cannot fail.
        let _infallible = self.draw(&mut out, frame, inner, curves, is_log);
        out
    }

    fn draw(&self, out: &mut String, frame: &Frame, inner: &str, curves: &[Curve], is_log: bool) -> std::fmt::Result {
        if curves.len() > 1 {
            write!(out, r#"<div class="legend">"#)?;
            for (index, curve) in curves.iter().enumerate() {
                write!(out, r#"<span><i class="c{index}"></i>{}</span>"#, curve.name)?;
            }
            write!(out, "</div>")?;
        }
        let (width, height) = SIZE;
        writeln!(out, r#"<svg viewBox="0 0 {width:.0} {height:.0}" role="img" aria-label="{}">"#, self.title)?;
        let (floor, right) = (height - MARGIN.3, width - MARGIN.2);
        for y in marks(0.0, frame.y_max) {
            let at = frame.y_at(y);
            writeln!(out, r#"<path class="grid" d="M {:.1} {at:.1} H {right:.1}"/>"#, MARGIN.0)?;
            writeln!(
                out,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                MARGIN.0 - 6.0,
                at + 4.0,
                short(y)
            )?;
        }
        for x in marks(frame.x.0, frame.x.1) {
            let label = short(if is_log { 10_f64.powf(x) } else { x });
            writeln!(
                out,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
                frame.x_at(x),
                floor + 15.0
            )?;
        }
        out.push_str(inner);
        writeln!(out, r#"<path class="axis" d="M {:.1} {floor:.1} H {right:.1}"/>"#, MARGIN.0)?;
        let middle = (MARGIN.0 + right) / 2.0;
        writeln!(out, r#"<text x="{middle:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, height - 4.0, self.x)?;
        let up = (MARGIN.1 + floor) / 2.0;
        writeln!(out, r#"<text transform="translate(12 {up:.1}) rotate(-90)" text-anchor="middle">{}</text>"#, self.y)?;
        writeln!(out, "</svg></figure>")
    }
}

fn frame_of(points: impl Iterator<Item = (f64, f64)>) -> Frame {
    let start = (f64::INFINITY, f64::NEG_INFINITY, 0.0_f64);
    let finite = points.filter(|(x, y)| x.is_finite() && y.is_finite());
    let (from, to, top) = finite.fold(start, |(from, to, top), (x, y)| (from.min(x), to.max(x), top.max(y)));
    let x = match from < to {
        true => (from, to),
        // A single place is at the left, and no place at all is anywhere.
        false if from.is_finite() => (from, from + 1.0),
        false => (0.0, 1.0),
    };
    Frame { x, y_max: if top > 0.0 { top * 1.06 } else { 1.0 } }
}

/// Round numbers between two.
fn marks(from: f64, to: f64) -> Vec<f64> {
    let rough = ((to - from) / MARKS).max(1e-9);
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|part| part * magnitude).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough);
    let first = (from / step).ceil();
    (0..20).map(|index| (first + f64::from(index)) * step).take_while(|mark| *mark <= to + step * 1e-6).collect()
}

/// A number in few characters.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1e6 => format!("{:.1} M", value / 1e6),
        v if v >= 1e4 => format!("{:.0} k", value / 1e3),
        v if v >= 100.0 || v.fract() < 1e-6 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Plot<'_> = Plot { title: "a title", x: "s", y: "ms" };

    #[test]
    fn marks_are_round_and_within() {
        assert_eq!(marks(0.0, 10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(marks(3.0, 3.9).len(), 5);
        assert!(marks(0.0, 0.0).len() <= 20);
    }

    #[test]
    fn stacked_areas_end_where_their_sum_is() {
        let curve = |y| Curve::new("x", [(0.0, y), (1.0, y)]);
        let figure = PLOT.stacked(&[curve(1.0), curve(3.0)]);
        let frame = Frame { x: (0.0, 1.0), y_max: 4.0 * 1.06 };
        assert!(figure.contains(&frame.path([(0.0, 4.0)].into_iter())), "{figure}");
    }

    #[test]
    fn plots_of_nothing_are_empty_and_of_odd_numbers_finite() {
        for figure in [
            PLOT.lines(&[]),
            PLOT.stacked(&[]),
            PLOT.bars(&[]),
            PLOT.lines(&[Curve::new("odd", [(0.0, f64::NAN), (1.0, f64::INFINITY), (2.0, 1.0)])]),
        ] {
            assert!(!figure.contains("NaN") && !figure.contains("inf"), "{figure}");
        }
    }
}
