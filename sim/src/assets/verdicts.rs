//! Findings about data that is good but does not do what its designers' tests say: a report like the loader's, with
//! each expectation that did not come true at its place in the file.

use super::span::scan;
use super::{
    AssetReport, AssetSources, Record,
    designer_tests::TestDef,
    report::{Code, Findings},
};

/// An expectation that did not come true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disappointment {
    /// The test, `test/name`.
    pub test: String,
    /// Which of its expectations, from 0.
    pub expectation: usize,
    /// What was expected, and when, as a clause: `wolf has effect/burning at 3.0 s`.
    pub wanted: String,
    /// What was seen instead.
    pub seen: String,
    /// Why those concerned did what they did, if that is known.
    pub why: Option<String>,
}

/// The report of a run of designers' tests over the data of `sources`.
#[must_use]
pub fn verdicts(sources: &AssetSources, disappointments: &[Disappointment]) -> AssetReport {
    let mut findings = Findings::new(sources);
    let folder = format!("{}/", TestDef::FOLDER);
    for (path, text) in sources.iter().filter(|(path, _)| path.starts_with(&folder) && path.ends_with(".ron")) {
        for record in &scan(text).records {
            let id = record.node.at(text, "id").and_then(|node| node.string(text));
            for failed in disappointments.iter().filter(|failed| Some(failed.test.as_str()) == id) {
                let place = record.node.nearest(text, &format!("expect.{}", failed.expectation));
                let message = format!("test `{}` expects that {}", failed.test, failed.wanted);
                let help = failed.why.as_ref().map(|why| format!("why: {why}"));
                findings.add(Code::TestFailed, path, place.mark(), message).label(failed.seen.clone()).help(help);
            }
        }
    }
    findings.into_report()
}
