//! How much memory this process holds, read from the system when someone asks.

use std::fmt::Write;

use rustix::param::page_size;

/// The metric's name: bytes of memory that are in use and not swapped out.
const RESIDENT: &str = "process_resident_memory_bytes";
/// Where Linux tells, in pages; elsewhere there is nothing to show.
const STATM: &str = "/proc/self/statm";

/// Adds the metric to a page.
pub(super) fn render(page: &mut String) {
    let statm = std::fs::read_to_string(STATM).unwrap_or_default();
    if let Some(pages) = parse(&statm) {
        page.push_str(&format!(
            "\n# HELP {RESIDENT} Memory of this process that is in use.\n# TYPE {RESIDENT} gauge\n"
        ));
        // Writing to a string does not fail.
        let _written = writeln!(page, "{RESIDENT} {}", pages * page_size() as u64);
    }
}

/// The second of a line of counts of pages.
fn parse(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_system_is_understood() {
        assert_eq!(parse("43000 1200 800 12 0 9000 0\n"), Some(1_200));
        assert_eq!(parse(""), None);
    }
}
