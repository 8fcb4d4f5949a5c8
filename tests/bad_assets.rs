//! What the loader says about data that is wrong: every fixture in `fixtures/bad_assets` is one kind of mistake (files behind
//! lines `=== path`, on top of the test data), and beside it stands the whole report as people read it, with file, line,
//! column, caret and help. `MAINSPRING_BLESS=1` writes the reports anew; read them before you commit them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sim::assets::{AssetReport, AssetSources, Assets, Code};
use sim::testing::TEST_ASSETS;

/// What only a baked navmesh, a played test or a file too large for a fixture can show; each has tests of its own.
const ELSEWHERE: [&str; 8] = ["A0125", "A0126", "A0127", "A0128", "A0191", "A0220", "A0221", "A0222"];

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bad_assets");
    let files = fs::read_dir(folder).expect("the fixtures are there").map(|entry| entry.expect("readable").path());
    let mut fixtures: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "ron")).collect();
    fixtures.sort();
    fixtures
}

/// In a fixture that is examined for what nothing uses, too.
const CLOSELY: &str = "closely\n";

/// What the loader says about a fixture, and its texts.
fn examined(fixture: &str) -> (AssetReport, AssetSources) {
    let sources = sources(fixture);
    let closely = fixture.split("=== ").any(|file| file == CLOSELY);
    let (_, report) = if closely { Assets::examine_closely(&sources) } else { Assets::examine(&sources) };
    (report, sources)
}

/// The test data with the files of a fixture.
fn sources(fixture: &str) -> AssetSources {
    let base = TEST_ASSETS.iter().fold(AssetSources::new("assets"), |texts, (path, text)| texts.with(*path, *text));
    fixture.split("=== ").skip(1).filter(|file| *file != CLOSELY).fold(base, |texts, file| {
        let (path, text) = file.split_once('\n').expect("a path on a line of its own");
        texts.with(path, text)
    })
}

#[test]
fn every_mistake_is_told_as_it_was_agreed() {
    let bless = std::env::var_os("MAINSPRING_BLESS").is_some();
    let mut differences = String::new();
    for path in fixtures() {
        let (report, sources) = examined(&fs::read_to_string(&path).expect("readable"));
        let told = server::assets::report_text(&report, &sources);
        let golden = path.with_extension("txt");
        if bless {
            fs::write(&golden, &told).expect("writable");
        }
        let agreed = fs::read_to_string(&golden).unwrap_or_default();
        if told != agreed {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let _never_fails = writeln!(differences, "--- {name}, agreed\n{agreed}+++ {name}, told\n{told}");
        }
        assert!(!report.findings.is_empty(), "{} is no mistake", path.display());
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn there_are_sixty_mistakes_and_every_code_is_among_them() {
    let mut seen = BTreeSet::new();
    for path in fixtures() {
        let (report, _) = examined(&fs::read_to_string(path).expect("readable"));
        seen.extend(report.findings.iter().map(|finding| finding.code.as_str()));
    }
    let missing: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).filter(|code| !seen.contains(code)).collect();
    let missing: Vec<&&str> = missing.iter().filter(|code| !ELSEWHERE.contains(code)).collect();
    assert!(missing.is_empty(), "no fixture shows {missing:?}");
    assert!(fixtures().len() >= 60, "{}", fixtures().len());
}
