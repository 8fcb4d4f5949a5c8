//! What is seen while a test runs: on a terminal a live view, in which `q` ends the test early with its report; anywhere else
//! a line now and then.

use std::io::IsTerminal;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Gauge, Paragraph, Sparkline};
use ratatui::{DefaultTerminal, Frame};

use crate::scrape::ServerPoint;
use crate::series::Point;

/// Seconds between two lines where there is no terminal.
const LINE_SECONDS: u64 = 5;
/// What stands where nothing is known.
const UNKNOWN: &str = "-";
/// How finely a sparkline tells values apart.
const SPARK_STEPS: f64 = 8.0;

/// What is shown.
pub(crate) struct Look<'a> {
    /// What the bots are doing, in words.
    pub(crate) doing: &'a str,
    pub(crate) joined: u32,
    pub(crate) refused: u32,
    pub(crate) gone: u32,
    pub(crate) count: u32,
    /// How far the test is, 0 to 1.
    pub(crate) done: f64,
    /// Since the test began.
    pub(crate) elapsed: Duration,
    pub(crate) violations: u64,
    pub(crate) points: &'a [Point],
    pub(crate) server: Option<&'a ServerPoint>,
}

/// Where it is shown.
pub(crate) enum Screen {
    /// Nowhere.
    Hidden,
    /// As lines on standard error; the second from which the next one is due.
    Lines(u64),
    /// On the whole terminal.
    Terminal(Box<DefaultTerminal>),
}

impl Screen {
    /// The terminal if there is one, lines if not; nothing for whoever does not want to see.
    pub(crate) fn open(is_wanted: bool) -> Self {
        if !is_wanted {
            return Self::Hidden;
        }
        let terminal = std::io::stdout().is_terminal().then(ratatui::try_init);
        match terminal {
            Some(Ok(terminal)) => Self::Terminal(Box::new(terminal)),
            _ => Self::Lines(0),
        }
    }

    /// Shows how things are; false when the onlooker wants to see the report.
    pub(crate) fn show(&mut self, look: &Look<'_>) -> bool {
        match self {
            Self::Hidden => true,
            Self::Lines(next) => {
                if look.elapsed.as_secs() >= *next {
                    *next = look.elapsed.as_secs() + LINE_SECONDS;
                    eprintln!("{}", one_line(look));
                }
                true
            }
            Self::Terminal(terminal) => {
                // A terminal that cannot be drawn on does not stop the test.
                let _unseen = terminal.draw(|frame| draw(frame, look));
                !asks_to_quit()
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if matches!(self, Self::Terminal(_)) {
            ratatui::restore();
        }
    }
}

fn asks_to_quit() -> bool {
    let mut quits = false;
    while event::poll(Duration::ZERO).unwrap_or(false) {
        let Ok(Event::Key(key)) = event::read() else { continue };
        let is_break = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        quits |= key.kind == KeyEventKind::Press && (key.code == KeyCode::Char('q') || is_break);
    }
    quits
}

fn one_line(look: &Look<'_>) -> String {
    let Look { doing, joined, count, violations, .. } = look;
    let seconds = look.elapsed.as_secs();
    let head = format!("{seconds:>5} s  {doing}: {joined} of {count}");
    let Some(point) = look.points.last() else { return head };
    let (ack, age, down) = (in_ms(point.ack_ms.p95), in_ms(point.update_age_ms.p99), point.bytes_down);
    format!("{head}, ack p95 {ack}, age p99 {age}, {down:.0} B/s each, {violations} violations")
}

/// A time; none when there was nothing to measure.
fn in_ms(time_ms: f64) -> String {
    if time_ms > 0.0 { format!("{time_ms:.1} ms") } else { UNKNOWN.to_owned() }
}

fn draw(frame: &mut Frame<'_>, look: &Look<'_>) {
    let columns = figures(look);
    let height = u16::try_from(columns[0].len().max(columns[1].len())).unwrap_or(u16::MAX).saturating_add(2);
    let rows = [
        Constraint::Length(3),
        Constraint::Length(height),
        Constraint::Min(4),
        Constraint::Min(4),
        Constraint::Length(1),
    ];
    let [top, now, ack, age, foot] = Layout::vertical(rows).areas(frame.area());
    let title = format!(" {}, {} s ", look.doing, look.elapsed.as_secs());
    let gauge = Gauge::default().block(Block::bordered().title(title)).gauge_style(Style::new().fg(Color::Cyan));
    frame.render_widget(gauge.ratio(look.done.clamp(0.0, 1.0)), top);
    let newest = look.points.last().map(|point| format!(" figures of second {} ", point.second));
    let block = Block::bordered().title(newest.unwrap_or_else(|| " nothing is measured yet ".to_owned()));
    let halves = Layout::horizontal([Constraint::Fill(1); 2]).areas::<2>(block.inner(now));
    frame.render_widget(block, now);
    for (column, half) in columns.into_iter().zip(halves) {
        frame.render_widget(Paragraph::new(column), half);
    }
    draw_spark(frame, ack, "input to acknowledgement, p95", look.points.iter().map(|point| point.ack_ms.p95));
    draw_spark(frame, age, "update age, p99", look.points.iter().map(|point| point.update_age_ms.p99));
    let hint = if look.server.is_none() { "; --http ADDR brings the server's figures" } else { "" };
    frame.render_widget(Paragraph::new(format!(" q ends the test and shows the report{hint}")), foot);
}

/// What is known, in two columns: of the bots, and of what passes between them and the server.
fn figures(look: &Look<'_>) -> [Vec<Line<'static>>; 2] {
    let Look { joined, count, refused, gone, violations, .. } = look;
    let bots = |tell: fn(&Point) -> String| look.points.last().map_or_else(|| UNKNOWN.to_owned(), tell);
    let server = |tell: fn(&ServerPoint) -> String| look.server.map_or_else(|| UNKNOWN.to_owned(), tell);
    let cpu = |point: &ServerPoint| point.cpu_us_per_client_tick.map_or(UNKNOWN.to_owned(), |us| format!("{us:.1}"));
    let tick = |point: &ServerPoint| format!("{:.2}", point.stage_ms.last().copied().unwrap_or(0.0));
    let of_bots = vec![
        figure("joined", &joined.to_string(), &format!("of {count}")),
        alarm(figure("refused", &refused.to_string(), "bots"), *refused > 0),
        alarm(figure("gone", &gone.to_string(), "bots"), *gone > 0),
        alarm(figure("violations", &violations.to_string(), "seen"), *violations > 0),
        figure("in view, mean", &bots(|point| format!("{:.1}", point.visible)), "entities"),
        figure("corrections", &bots(|point| point.corrections.to_string()), "a second"),
        figure("bots' CPU", &bots(|point| format!("{:.1}", point.client_cpu_us)), "us/turn"),
    ];
    let of_both = vec![
        figure("frames came", &bots(|point| point.frames_received.to_string()), "a second"),
        figure("frames lost", &bots(|point| point.frames_lost.to_string()), "a second"),
        figure("to each client", &bots(|point| format!("{:.0}", point.bytes_down)), "bytes/s"),
        figure("from each client", &bots(|point| format!("{:.0}", point.bytes_up)), "bytes/s"),
        figure("server tick mean", &server(tick), "ms"),
        figure("server tick p99", &server(|point| format!("{:.2}", point.total_p99_ms)), "ms"),
        figure("server CPU", &server(cpu), "us/client-tick"),
    ];
    [of_bots, of_both]
}

/// A name, a value and its unit in columns.
fn figure(name: &str, value: &str, unit: &str) -> Line<'static> {
    Line::from(format!(" {name:<16}{value:>7} {unit}"))
}

fn alarm(line: Line<'static>, is_bad: bool) -> Line<'static> {
    if is_bad { line.red() } else { line }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and times are not negative")]
fn draw_spark(frame: &mut Frame<'_>, area: Rect, title: &str, values: impl Iterator<Item = f64>) {
    let values: Vec<f64> = values.collect();
    let width = usize::from(area.width.saturating_sub(2));
    let shown = values.get(values.len().saturating_sub(width)..).unwrap_or_default();
    let newest = in_ms(shown.last().copied().unwrap_or(0.0));
    let largest = in_ms(shown.iter().copied().fold(0.0, f64::max));
    let block = Block::bordered().title(format!(" {title}: {newest}, at most {largest} "));
    let data: Vec<u64> = shown.iter().map(|value| (value * SPARK_STEPS) as u64).collect();
    frame.render_widget(Sparkline::default().block(block).data(data).style(Style::new().fg(Color::Green)), area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::series::Quantiles;

    /// The view in a terminal of this size.
    fn shown(size: (u16, u16), look: &Look<'_>) -> String {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        terminal.draw(|frame| draw(frame, look)).unwrap();
        terminal.backend().to_string()
    }

    fn beginning() -> Look<'static> {
        Look {
            doing: "bots join",
            joined: 0,
            refused: 0,
            gone: 0,
            count: 100_000,
            done: 0.0,
            elapsed: Duration::ZERO,
            violations: 0,
            points: &[],
            server: None,
        }
    }

    /// A second of a large test.
    fn busy(second: u32) -> Point {
        let wave = f64::from(second % 7);
        Point {
            second,
            ack_ms: Quantiles { p95: 12.34 + wave, ..Quantiles::default() },
            update_age_ms: Quantiles { p99: 5.61 + wave * 4.0, ..Quantiles::default() },
            frames_received: 79_980,
            frames_lost: 20,
            bytes_down: 14_321.0,
            bytes_up: 1_915.0,
            corrections: 2,
            visible: 60.9,
            client_cpu_us: 34.2,
            ..Point::default()
        }
    }

    #[test]
    fn the_view_shows_every_figure_with_its_unit_in_terminals_of_any_usual_size() {
        let points: Vec<Point> = (0..60).map(busy).collect();
        let server = ServerPoint {
            stage_ms: vec![1.374; 10],
            total_p99_ms: 15.55,
            cpu_us_per_client_tick: Some(31.42),
            ..ServerPoint::default()
        };
        let look = Look {
            doing: "bots play",
            joined: 3_999,
            refused: 1,
            count: 4_000,
            done: 0.999,
            elapsed: Duration::from_secs(62),
            violations: 3,
            points: &points,
            server: Some(&server),
            ..beginning()
        };
        for size in [(80, 24), (120, 40)] {
            let text = shown(size, &look);
            println!("{text}");
            let lines = figures(&look).concat().into_iter().map(|line| line.to_string());
            let titles =
                ["bots play, 62 s", "100%", "second 59", "p95: 15.3 ms, at most 18.3 ms", "p99: 17.6 ms", "q ends"];
            for part in lines.chain(titles.map(str::to_owned)) {
                assert!(text.contains(&part), "`{part}` is missing in:\n{text}");
            }
        }
    }

    #[test]
    fn the_view_shows_nothing_as_measured_before_anything_is() {
        let text = shown((80, 24), &beginning());
        println!("{text}");
        for part in [
            "nothing is measured yet",
            "p95: -, at most -",
            "of 100000",
            "to each client        -",
            "--http ADDR brings the server's figures",
        ] {
            assert!(text.contains(part), "`{part}` is missing in:\n{text}");
        }
        assert_eq!(one_line(&beginning()), "    0 s  bots join: 0 of 100000");
    }

    #[test]
    fn a_terminal_that_is_too_small_breaks_nothing() {
        for size in [(30, 6), (8, 40), (1, 1)] {
            assert!(!shown(size, &beginning()).is_empty());
        }
    }
}
