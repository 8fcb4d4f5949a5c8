//! Shows a report: rustc-style text with the line and a caret for people, one JSON array for machines.
//! Only the line at fault is handed to the renderer, so a finding costs the same in a large file as in a small one.
//! Colours appear only on a terminal.

use std::{
    io::{IsTerminal, stdout},
    ops::Range,
    path::Path,
};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;
use sim::assets::{AssetReport, AssetSources, Assets, Finding, LootCase, Severity};

use super::{SourceError, sources, worth};
use crate::lab::trials;
use crate::nav::scenes::NavStore;

/// What a check says, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent {
    /// One JSON array instead of text.
    pub json: bool,
    /// Play the designers' tests.
    pub with_tests: bool,
    /// Say also what a kill of each monster is worth, in text.
    pub verbose: bool,
}

/// Checks the data of `dir`, or the embedded data, with the ground of every scene (whose navmesh is baked when there is
/// none that fits), then plays its designers' tests unless they are left out; prints every finding and a last line with
/// counts; true when it is good and does what its tests say.
pub fn check(dir: Option<&Path>, Extent { json, with_tests, verbose }: Extent) -> bool {
    let sources = match sources(dir) {
        Ok(sources) => sources,
        Err(error) => {
            print_unreadable(&error, json);
            return false;
        }
    };
    let (assets, mut report) = super::examine_on(&sources, &NavStore::new(dir, None));
    let has_tests = assets.as_ref().is_some_and(|assets| with_tests && !assets.tests.is_empty());
    let verdict = has_tests.then(|| trials::play(&sources, crate::lab::all_cores()));
    report.findings.extend(verdict.iter().flat_map(|verdict| verdict.report.findings.iter().cloned()));
    if json {
        println!("{}", to_json(&report));
    } else {
        print!("{}", render(&report, &sources, stdout().is_terminal()));
        match &assets {
            Some(assets) => println!("{}", summary(assets, &report)),
            None => println!("{}", error_count(&report)),
        }
        if let Some(verdict) = &verdict {
            println!("{}", trial_summary(verdict));
        }
        if let Some(assets) = assets.as_ref().filter(|_| verbose) {
            let alone = LootCase { party_size: 1, ..LootCase::default() };
            print!("\n{}", worth::text(&worth::kills(assets, &alone)));
        }
    }
    report.error_count() == 0
}

fn print_unreadable(error: &SourceError, json: bool) {
    if json {
        let finding = JsonFinding {
            code: "A0100",
            severity: Severity::Error.as_str(),
            message: &error.to_string(),
            file: "",
            line: 0,
            column: 0,
            length: 0,
            help: None,
        };
        println!("{}", serde_json::json!([finding]));
    } else {
        println!("error[A0100]: {error}");
    }
}

/// All findings as text, each followed by an empty line.
pub(super) fn render(report: &AssetReport, sources: &AssetSources, is_styled: bool) -> String {
    let renderer = if is_styled { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&render_one(finding, sources, &renderer));
        text.push_str("\n\n");
    }
    if report.omitted_count > 0 {
        text.push_str(&format!("and {} more\n\n", report.omitted_count));
    }
    text
}

fn render_one(finding: &Finding, sources: &AssetSources, renderer: &Renderer) -> String {
    let level = match finding.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let (line, mark) = line_at(sources.text(&finding.file).unwrap_or_default(), &finding.span);
    let mut annotation = AnnotationKind::Primary.span(mark);
    if !finding.label.is_empty() {
        annotation = annotation.label(&finding.label);
    }
    let snippet = Snippet::source(line).line_start(finding.line).path(&finding.path).annotation(annotation);
    let mut group = level.primary_title(&finding.message).id(finding.code.as_str()).element(snippet);
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// The line in which `span` begins, and the part of it that `span` covers.
fn line_at<'t>(text: &'t str, span: &Range<usize>) -> (&'t str, Range<usize>) {
    let before = text.get(..span.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let from = (span.start - start).min(line.len());
    let to = span.end.saturating_sub(start).clamp(from, line.len());
    (line, from..to)
}

/// "5 errors in 3 files"
pub(super) fn error_count(report: &AssetReport) -> String {
    format!("{} in {}", counted(report.error_count(), "error"), counted(report.error_file_count(), "file"))
}

fn summary(assets: &Assets, report: &AssetReport) -> String {
    let counts = [
        counted(assets.skills.len(), "skill"),
        counted(assets.effects.len(), "effect"),
        counted(assets.monsters.len(), "monster"),
        counted(assets.items.len(), "item"),
        format!("{} {}", assets.classes.len(), if assets.classes.len() == 1 { "class" } else { "classes" }),
        counted(assets.movements.len(), "movement profile"),
        counted(assets.scenes.len(), "scene"),
    ];
    let warnings = match report.findings.len() - report.error_count() {
        0 => String::new(),
        count => format!(" ({})", counted(count, "warning")),
    };
    format!("assets are good: {}{warnings}", counts.join(", "))
}

fn trial_summary(verdict: &trials::Verdict) -> String {
    match verdict.failed_count {
        0 => format!("{} passed", counted(verdict.test_count, "test")),
        failed => format!("{failed} of {} failed", counted(verdict.test_count, "test")),
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// One finding as machines read it; lines and columns count from 1, in characters.
#[derive(Serialize)]
struct JsonFinding<'f> {
    code: &'static str,
    severity: &'static str,
    message: &'f str,
    file: &'f str,
    line: usize,
    column: usize,
    length: usize,
    help: Option<&'f str>,
}

fn to_json(report: &AssetReport) -> serde_json::Value {
    let findings = report.findings.iter().map(|finding| JsonFinding {
        code: finding.code.as_str(),
        severity: finding.code.severity().as_str(),
        message: &finding.message,
        file: &finding.path,
        line: finding.line,
        column: finding.column,
        length: finding.length,
        help: finding.help.as_deref(),
    });
    serde_json::json!(findings.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(sources: &AssetSources) -> AssetReport {
        Assets::examine(sources).1
    }

    #[test]
    fn a_finding_is_shown_like_a_compiler_error() {
        let sources =
            AssetSources::new("data").with("items/a.ron", "[\n  (id: \"item/ä\", name: \"Ä\", qualty: Rare),\n]\n");
        let shown = render(&report(&sources), &sources, false);
        let expected = "\
error[A0114]: `item/ä` is not a good id: write \"item/name\" with lower-case letters, digits, `_` and `.`
 --> data/items/a.ron:2:8
  |
2 |   (id: \"item/ä\", name: \"Ä\", qualty: Rare),
  |        ^^^^^^^^ bad id

error[A0102]: this item has no field `qualty`
 --> data/items/a.ron:2:29
  |
2 |   (id: \"item/ä\", name: \"Ä\", qualty: Rare),
  |                             ^^^^^^ unknown field
  |
  = help: did you mean `quality`?

";
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_empty_file_can_be_shown() {
        let sources = AssetSources::new("data").with("items/a.ron", "");
        let shown = render(&report(&sources), &sources, false);
        assert!(shown.starts_with("error[A0121]: this file has no records\n --> data/items/a.ron:1:1\n"), "{shown}");
    }

    #[test]
    fn machines_read_an_array_of_findings() {
        let sources = AssetSources::new("data").with("items/a.ron", "(id: \"item/a\", name: 5)");
        let expected = serde_json::json!([{
            "code": "A0104", "severity": "error", "message": "`name` must be a string, found the number 5",
            "file": "data/items/a.ron", "line": 1, "column": 22, "length": 1, "help": null,
        }]);
        assert_eq!(to_json(&report(&sources)), expected);
    }

    #[test]
    fn counts_agree_with_their_nouns() {
        assert_eq!((counted(1, "error"), counted(5, "error")), ("1 error".to_owned(), "5 errors".to_owned()));
    }
}
