//! The report as one page: figures, plots, and what went wrong, in a single HTML file without outside references.

use std::fmt::Write;

use crate::report::{Path, Percentiles, Report, Returns};
use crate::scrape::ServerReport;
use crate::series::{Point, Quantiles};

mod plot;

use plot::{Curve, Plot};

/// The page's style; every colour is given twice, for light and for dark ground.
const STYLE: &str = r"
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1d2430; --faint: #5b6675; --rule: #dfe3e8; --tile: #f4f6f8; --bad: #b3261e;
  --c0: #1f77b4; --c1: #d9730d; --c2: #2a9d5c; --c3: #c2334d; --c4: #7a55c7; --c5: #8c6239; --c6: #c4509b; --c7: #0e8fa3; --c8: #7f8c1d; --c9: #59636e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181f; --ink: #e5e9ef; --faint: #9aa5b3; --rule: #2c343f; --tile: #1d232c; --bad: #ff8a80;
  --c0: #5aa9e6; --c1: #f2a154; --c2: #5fce92; --c3: #f07a8d; --c4: #b297f0; --c5: #c9a27a; --c6: #ea8fcb; --c7: #52c7d9; --c8: #c0cc5a; --c9: #9fabb8; } }
body { margin: 0 auto; padding: 24px; max-width: 1400px; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 28px 0 8px; } p { color: var(--faint); margin: 0 0 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 10px; }
.tiles div { background: var(--tile); border-radius: 8px; padding: 10px 12px; } .tiles b { display: block; font-size: 20px; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--faint); font-size: 13px; } .bad { color: var(--bad); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } td, th { padding: 3px 14px 3px 0; text-align: right; border-bottom: 1px solid var(--rule); }
td:first-child, th:first-child { text-align: left; } th { color: var(--faint); font-weight: 500; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 22px; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: 2px; } svg { width: 100%; height: auto; }
svg text { fill: var(--faint); font: 12px system-ui, sans-serif; } .grid { stroke: var(--rule); fill: none; } .axis { stroke: var(--faint); fill: none; }
.line { fill: none; stroke: currentColor; stroke-width: 1.8; } .area { fill: currentColor; fill-opacity: .75; } .bar { fill: currentColor; }
.legend { font-size: 12px; color: var(--faint); display: flex; flex-wrap: wrap; gap: 2px 12px; } .legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 4px; background: currentColor; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); }
.c5 { color: var(--c5); } .c6 { color: var(--c6); } .c7 { color: var(--c7); } .c8 { color: var(--c8); } .c9 { color: var(--c9); }
";

/// The stages of a tick in the order of `ServerPoint::stage_ms`.
const STAGES: [&str; 9] =
    ["receive", "validate", "think", "act", "move", "resolve", "perceive", "replicate", "transmit"];

/// The whole page.
pub(crate) fn html(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _infallible = write_page(&mut out, report);
    out
}

fn write_page(out: &mut String, report: &Report) -> std::fmt::Result {
    let (connected, behaviour, seconds) = (report.connected, report.behaviour, report.seconds);
    let title = format!("{connected} bots, {behaviour}, {seconds:.0} s");
    writeln!(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mainspring: {title}</title>")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>")?;
    writeln!(out, "<h1>Load test: {title}</h1><p>{}</p>", escaped(&report.command_line))?;
    write_tiles(out, report)?;
    write_table(out, report)?;
    if let Some(returns) = &report.returns {
        write_returns(out, returns)?;
    }
    match &report.server {
        Some(server) => write_server(out, server)?,
        None => writeln!(
            out,
            "<h2>Server</h2><p>It was not asked for its own figures, or did not answer: --http ADDR.</p>"
        )?,
    }
    writeln!(out, "<h2>Course</h2><div class=\"plots\">")?;
    plots(report).iter().try_for_each(|figure| out.write_str(figure))?;
    writeln!(out, "</div>")?;
    if !report.remarks.is_empty() {
        writeln!(out, "<h2>Remarks</h2><ul>")?;
        report.remarks.iter().try_for_each(|remark| writeln!(out, "<li>{}</li>", escaped(remark)))?;
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</body></html>")
}

fn write_tiles(out: &mut String, report: &Report) -> std::fmt::Result {
    let path = &report.path;
    let server_cpu = report.server.as_ref().and_then(|server| server.cpu_us_per_client_tick);
    let memory = report.server.as_ref().and_then(|server| server.resident_bytes);
    let tick_p99 = report.server.as_ref().and_then(|server| server.tick_ms.get("total")).map(|total| total.p99);
    let or_none = |value: Option<f64>| value.map_or("not told".to_owned(), |value| format!("{value:.1}"));
    let tiles = [
        ("joined", format!("{} of {}", report.connected, report.bots), report.connected < report.bots),
        ("disconnects", report.disconnects.to_string(), report.disconnects > 0),
        ("invariant violations", report.invariant_violations.to_string(), report.invariant_violations > 0),
        ("state frames delivered", format!("{:.3} %", (1.0 - path.loss) * 100.0), false),
        ("input to acknowledgement, p95 ms", format!("{:.1}", path.ack_ms.p95), false),
        ("update age, p99 ms", format!("{:.1}", path.update_age_ms.p99), false),
        ("server tick, p99 ms", or_none(tick_p99), false),
        ("server CPU, µs per client and tick", or_none(server_cpu), false),
        ("server memory, MiB", or_none(memory.map(|bytes| bytes / f64::from(1 << 20))), false),
        ("updates saved against telling all, %", or_none(report.updates_saved.map(|part| part * 100.0)), false),
        ("logins tried again", report.logins_retried.to_string(), false),
        ("bot CPU, µs per turn", format!("{:.1}", report.client_cpu_us_per_tick), false),
        ("bytes/s to a client", format!("{:.0}", report.bytes_per_second_per_client), false),
        ("bytes/s from a client", format!("{:.0}", report.bytes_sent_per_second_per_client), false),
        ("entities in view, mean", format!("{:.1}", report.entities_visible), false),
        ("corrections per 10 s walked", format!("{:.3}", path.corrections_per_10s_walking), false),
    ];
    writeln!(out, "<div class=\"tiles\">")?;
    for (name, value, is_bad) in tiles {
        let class = if is_bad { " class=\"bad\"" } else { "" };
        writeln!(out, "<div><b{class}>{value}</b><span>{name}</span></div>")?;
    }
    writeln!(out, "</div>")
}

fn write_table(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "<h2>Milliseconds</h2><table><tr><th></th><th>p50</th><th>p95</th><th>p99</th><th>max</th></tr>")?;
    let groups =
        [("", Some(&report.path)), (", impaired", report.impaired.as_ref()), (", others", report.others.as_ref())];
    for (whose, path) in groups.into_iter().filter_map(|(whose, path)| Some((whose, path?))) {
        let Path { ack_ms, update_age_ms, rtt_ms, jitter_ms, view_lag_ms, .. } = path;
        for (name, times) in [
            ("input to acknowledgement", ack_ms),
            ("update age", update_age_ms),
            ("round trip", rtt_ms),
            ("jitter", jitter_ms),
            ("lag of others in view", view_lag_ms),
        ] {
            let Percentiles { p50, p95, p99, max } = times;
            writeln!(
                out,
                "<tr><td>{name}{whose}</td><td>{p50:.1}</td><td>{p95:.1}</td><td>{p99:.1}</td><td>{max:.1}</td></tr>"
            )?;
        }
    }
    writeln!(out, "</table>")
}

fn write_returns(out: &mut String, returns: &Returns) -> std::fmt::Result {
    let Returns { lost, resumed, same_entity, doubles, after_ms } = returns;
    let Percentiles { p50, p95, p99, max } = after_ms;
    writeln!(out, "<h2>Back after the cut</h2><table>")?;
    writeln!(out, "<tr><th>lines lost</th><th>resumed</th><th>as the same entity</th><th>doubles</th></tr>")?;
    writeln!(out, "<tr><td>{lost}</td><td>{resumed}</td><td>{same_entity}</td><td>{doubles}</td></tr></table><table>")?;
    writeln!(out, "<tr><th>milliseconds</th><th>p50</th><th>p95</th><th>p99</th><th>max</th></tr>")?;
    writeln!(
        out,
        "<tr><td>from the network's return to standing in the world</td><td>{p50:.0}</td><td>{p95:.0}</td><td>{p99:.0}</td><td>{max:.0}</td></tr></table>"
    )
}

fn write_server(out: &mut String, server: &ServerReport) -> std::fmt::Result {
    writeln!(out, "<h2>Tick of {}, {:.0} characters, in milliseconds</h2>", escaped(&server.scene), server.players)?;
    writeln!(out, "<table><tr><th>stage</th><th>mean</th><th>p50</th><th>p99</th></tr>")?;
    for stage in STAGES.iter().chain(&["total"]) {
        let Some(times) = server.tick_ms.get(*stage) else { continue };
        let (mean, p50, p99) = (times.mean, times.p50, times.p99);
        writeln!(out, "<tr><td>{stage}</td><td>{mean:.3}</td><td>{p50:.3}</td><td>{p99:.3}</td></tr>")?;
    }
    writeln!(out, "</table>")?;
    if server.thread_cores.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Cores in use by the server's threads</h2><table>")?;
    for (thread, cores) in server.thread_cores.iter().filter(|(_, cores)| **cores >= 0.001) {
        writeln!(out, "<tr><td>{}</td><td>{cores:.3}</td></tr>", escaped(thread))?;
    }
    writeln!(out, "</table>")
}

fn plots(report: &Report) -> Vec<String> {
    let over_time = |title, y| Plot { title, x: "seconds since the first join", y };
    let times = |of: fn(&Point) -> &Quantiles| {
        // A second in which nothing was measured has no place on the curve.
        let measured = move |point: &&Point| of(point).p99 > 0.0;
        let curve = |name, part: fn(&Quantiles) -> f64| {
            let points = report.series.iter().filter(measured);
            Curve::new(name, points.map(|point| (f64::from(point.second), part(of(point)))))
        };
        [curve("p50", |q| q.p50), curve("p95", |q| q.p95), curve("p99", |q| q.p99)]
    };
    let mut figures = vec![
        over_time("Update age", "ms").lines(&times(|point| &point.update_age_ms)),
        over_time("Input to acknowledgement", "ms").lines(&times(|point| &point.ack_ms)),
    ];
    if let Some(server) = &report.server {
        figures.extend(server_plots(server));
    }
    let spread = |title| Plot { title, x: "milliseconds (logarithmic)", y: "% of all" };
    figures.extend([
        over_time("UDP payload per client, counted by the bots", "bytes/s").lines(&[
            Curve::new("down", along(report, |point| point.bytes_down)),
            Curve::new("up", along(report, |point| point.bytes_up)),
        ]),
        over_time("State frames that did not come", "% of a second's")
            .lines(&[Curve::new("lost", along(report, lost_percent))]),
        over_time("CPU of the bots", "µs per turn").lines(&[Curve::new("bots", along(report, |p| p.client_cpu_us))]),
        over_time("Entities in view per bot", "entities").lines(&[Curve::new("visible", along(report, |p| p.visible))]),
        over_time("Bots connected", "bots").lines(&[Curve::new("connected", along(report, |point| point.connected))]),
        spread("Update age, distribution").bars(&report.distributions.update_age_ms),
        spread("Input to acknowledgement, distribution").bars(&report.distributions.ack_ms),
    ]);
    figures
}

fn server_plots(server: &ServerReport) -> [String; 4] {
    let over_time = |title, y| Plot { title, x: "seconds since the first join", y };
    let points = &server.series;
    let stage = |index: usize| points.iter().map(move |p| (p.second, p.stage_ms.get(index).copied().unwrap_or(0.0)));
    let stages: Vec<Curve> = STAGES.iter().enumerate().map(|(index, name)| Curve::new(name, stage(index))).collect();
    let total = [
        Curve::new("mean of the second", stage(STAGES.len())),
        Curve::new("p99 of the last minute", points.iter().map(|point| (point.second, point.total_p99_ms))),
    ];
    let cpu = points.iter().filter_map(|point| Some((point.second, point.cpu_us_per_client_tick?)));
    let bytes = points.iter().map(|point| (point.second, point.bytes_per_client));
    [
        over_time("Server tick by stage, mean of each second", "ms").stacked(&stages),
        over_time("Server tick, whole", "ms").lines(&total),
        over_time("Server CPU per client and tick", "µs").lines(&[Curve::new("cpu", cpu)]),
        over_time("UDP payload to each client, counted by the server", "bytes/s").lines(&[Curve::new("bytes", bytes)]),
    ]
}

fn along<'a>(report: &'a Report, of: impl Fn(&Point) -> f64 + 'a) -> impl Iterator<Item = (f64, f64)> + 'a {
    report.series.iter().map(move |point| (f64::from(point.second), of(point)))
}

#[allow(clippy::cast_precision_loss, reason = "a part to draw")]
fn lost_percent(point: &Point) -> f64 {
    let frames = point.frames_received + point.frames_lost;
    point.frames_lost as f64 / frames.max(1) as f64 * 100.0
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::ServerPoint;

    fn report() -> Report {
        let quantiles = Quantiles { p50: 1.0, p95: 2.0, p99: 3.0 };
        let point = |second| Point {
            second,
            connected: 2.0,
            visible: 3.0,
            // Nobody is measured before all have joined.
            update_age_ms: if second < 2 { Quantiles::default() } else { quantiles },
            ..Point::default()
        };
        let server = ServerReport {
            series: vec![ServerPoint { second: 1.0, stage_ms: vec![0.1; 10], ..ServerPoint::default() }; 3],
            ..ServerReport::default()
        };
        Report {
            series: (0..5).map(point).collect(),
            server: Some(server),
            remarks: vec!["a <b> & c".into()],
            ..Report::default()
        }
    }

    #[test]
    fn the_page_stands_alone() {
        let page = html(&report());
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"), "{page}");
        for part in ["a &lt;b&gt; &amp; c", "prefers-color-scheme"] {
            assert!(page.contains(part), "{part}");
        }
    }

    #[test]
    fn every_figure_that_is_asked_of_a_load_test_is_plotted_with_its_axes() {
        let figures = plots(&report());
        for (title, x, y) in [
            ("Server tick by stage, mean of each second", "seconds since the first join", "ms"),
            ("Server tick, whole", "seconds since the first join", "ms"),
            ("Update age", "seconds since the first join", "ms"),
            ("Input to acknowledgement", "seconds since the first join", "ms"),
            ("UDP payload per client, counted by the bots", "seconds since the first join", "bytes/s"),
            ("Server CPU per client and tick", "seconds since the first join", "µs"),
            ("Update age, distribution", "milliseconds (logarithmic)", "% of all"),
        ] {
            let caption = format!("<figcaption>{title}</figcaption>");
            let figure =
                figures.iter().find(|figure| figure.contains(&caption)).unwrap_or_else(|| panic!("no {title}"));
            assert!(figure.contains(&format!(">{x}</text>")) && figure.contains(&format!(">{y}</text>")), "{figure}");
        }
        let stages = figures.iter().find(|figure| figure.contains("by stage")).unwrap();
        assert!(STAGES.iter().all(|stage| stages.contains(&format!("</i>{stage}</span>"))), "{stages}");
    }

    #[test]
    fn a_second_in_which_nothing_was_measured_is_not_drawn() {
        let figures = plots(&report());
        let curve = figures[0].split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert_eq!(curve.split(' ').count(), 3, "of five seconds: {curve}");
    }

    #[test]
    fn a_page_says_who_came_back_and_that_the_server_was_not_asked() {
        let returns = Returns { lost: 200, resumed: 199, ..Returns::default() };
        let page = html(&Report { returns: Some(returns), server: None, ..report() });
        assert!(page.contains("<td>200</td><td>199</td>") && page.contains("--http ADDR"), "{page}");
    }
}
