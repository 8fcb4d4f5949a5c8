//! What is seen while a test runs: on a terminal a live view, in which `q` ends the test early with its report; anywhere else
//! a line now and then.

use std::io::IsTerminal;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph, Sparkline};
use ratatui::{DefaultTerminal, Frame};

use crate::scrape::ServerPoint;
use crate::series::Point;

/// Seconds between two lines where there is no terminal.
const LINE_SECONDS: u64 = 5;
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
    let (ack, age, down) = (point.ack_ms.p95, point.update_age_ms.p99, point.bytes_down);
    format!("{head}, ack p95 {ack:.1} ms, age p99 {age:.1} ms, {down:.0} B/s each, {violations} violations")
}

fn draw(frame: &mut Frame<'_>, look: &Look<'_>) {
    let rows =
        [Constraint::Length(3), Constraint::Length(7), Constraint::Min(5), Constraint::Min(5), Constraint::Length(1)];
    let [top, figures, ack, age, foot] = Layout::vertical(rows).areas(frame.area());
    let title = format!(" {}, {} s ", look.doing, look.elapsed.as_secs());
    let gauge = Gauge::default().block(Block::bordered().title(title)).gauge_style(Style::new().fg(Color::Cyan));
    frame.render_widget(gauge.ratio(look.done.clamp(0.0, 1.0)), top);
    frame.render_widget(Paragraph::new(lines(look)).block(Block::bordered().title(" now ")), figures);
    draw_spark(frame, ack, "input to acknowledgement, p95 ms", look.points.iter().map(|point| point.ack_ms.p95));
    draw_spark(frame, age, "update age, p99 ms", look.points.iter().map(|point| point.update_age_ms.p99));
    frame.render_widget(Paragraph::new("q ends the test and shows the report"), foot);
}

fn lines<'a>(look: &Look<'a>) -> Vec<Line<'a>> {
    let Look { joined, count, refused, gone, violations, .. } = look;
    let newest = look.points.last().copied().unwrap_or_default();
    let alarm = |text: String, is_bad: bool| {
        Span::styled(text, if is_bad { Style::new().fg(Color::Red) } else { Style::new() })
    };
    let server = look.server.map_or("server: no word (--http ADDR)".to_owned(), |point| {
        let tick_ms = point.stage_ms.last().copied().unwrap_or(0.0);
        let cpu = point.cpu_us_per_client_tick.map_or(String::new(), |us| format!(", {us:.1} us per client and tick"));
        format!("server: tick {tick_ms:.2} ms, p99 {:.2} ms{cpu}", point.total_p99_ms)
    });
    vec![
        Line::from(vec![
            format!("joined {joined} of {count}, ").into(),
            alarm(format!("refused {refused}, "), *refused > 0),
            alarm(format!("gone {gone}, "), *gone > 0),
            alarm(format!("violations {violations}"), *violations > 0),
        ]),
        Line::from(format!("frames {} a second, lost {}", newest.frames_received, newest.frames_lost)),
        Line::from(format!("bytes a second and client: {:.0} down, {:.0} up", newest.bytes_down, newest.bytes_up)),
        Line::from(format!(
            "in view {:.1}, corrections {}, bots' CPU {:.1} us a turn",
            newest.visible, newest.corrections, newest.client_cpu_us
        )),
        Line::from(server),
    ]
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and times are not negative")]
fn draw_spark(frame: &mut Frame<'_>, area: Rect, title: &str, values: impl Iterator<Item = f64>) {
    let values: Vec<f64> = values.collect();
    let width = usize::from(area.width.saturating_sub(2));
    let shown = values.get(values.len().saturating_sub(width)..).unwrap_or_default();
    let newest = shown.last().copied().unwrap_or(0.0);
    let largest = shown.iter().copied().fold(0.0, f64::max);
    let block = Block::bordered().title(format!(" {title}: {newest:.1}, at most {largest:.1} "));
    let data: Vec<u64> = shown.iter().map(|value| (value * SPARK_STEPS) as u64).collect();
    frame.render_widget(Sparkline::default().block(block).data(data).style(Style::new().fg(Color::Green)), area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::series::Quantiles;

    fn shown(points: &[Point], violations: u64) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let look = Look {
            doing: "20 bots play",
            joined: 19,
            refused: 1,
            gone: 0,
            count: 20,
            done: 0.25,
            elapsed: Duration::from_secs(7),
            violations,
            points,
            server: None,
        };
        terminal.draw(|frame| draw(frame, &look)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_view_shows_who_plays_how_it_goes_and_what_is_wrong() {
        let ack_ms = Quantiles { p95: 12.34, ..Quantiles::default() };
        let text = shown(&[Point { ack_ms, bytes_down: 4_321.0, ..Point::default() }], 3);
        for part in
            ["20 bots play, 7 s", "25%", "joined 19 of 20", "violations 3", "4321 down", "p95 ms: 12.3", "q ends"]
        {
            assert!(text.contains(part), "`{part}` is missing in:\n{text}");
        }
    }

    #[test]
    fn the_view_can_be_drawn_before_anything_is_known() {
        assert!(shown(&[], 0).contains("no word"));
    }
}
