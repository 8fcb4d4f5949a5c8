//! How much processor time each thread of this process has used, read from the system when someone asks.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The metric's name: seconds of processor time, user and system, by the thread's name.
const THREAD_CPU: &str = "thread_cpu_seconds_total";
/// Where Linux tells; elsewhere there is nothing to show.
const TASKS: &str = "/proc/self/task";
/// Units of processor time in a second there.
const TICKS_PER_SECOND: u32 = 100;

/// Adds the metric to a page; threads of the same name are taken together.
pub(super) fn render(page: &mut String) {
    let mut ticks_by_name: BTreeMap<String, u32> = BTreeMap::new();
    for task in std::fs::read_dir(TASKS).into_iter().flatten().flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        if let Some((name, ticks)) = parse(&stat) {
            *ticks_by_name.entry(name.to_owned()).or_default() += ticks;
        }
    }
    if ticks_by_name.is_empty() {
        return;
    }
    page.push_str(&format!("\n# HELP {THREAD_CPU} Processor time used by threads of this process.\n"));
    page.push_str(&format!("# TYPE {THREAD_CPU} counter\n"));
    for (name, ticks) in ticks_by_name {
        let seconds = f64::from(ticks) / f64::from(TICKS_PER_SECOND);
        // Writing to a string does not fail.
        let _written = writeln!(page, "{THREAD_CPU}{{thread=\"{name}\"}} {seconds}");
    }
}

/// The name and the processor time of a line of `stat`; the name stands in parentheses and may hold anything.
fn parse(stat: &str) -> Option<(&str, u32)> {
    let (before, rest) = stat.rsplit_once(')')?;
    let (_, name) = before.split_once('(')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.: ".contains(c)).then_some((name, user + system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_system_is_understood() {
        let stat = "77 (net-0) S 1 77 77 0 -1 4194368 5 0 0 0 250 150 0 0 20 0 9 0 100 1 2";
        assert_eq!(parse(stat), Some(("net-0", 400)));
        assert_eq!(parse("77 (a\"b) S 1 77 77 0 -1 4194368 5 0 0 0 250 150 0 0"), None, "no name for a label");
        assert_eq!(parse(""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_threads() {
        let mut page = String::new();
        render(&mut page);
        assert!(page.contains("# TYPE thread_cpu_seconds_total counter"), "{page}");
    }
}
