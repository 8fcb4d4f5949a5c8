//! Designers' tests of the process: all of them over all cores, reported like the faults of data.

use std::sync::atomic::{AtomicUsize, Ordering};

use sim::assets::{AssetReport, AssetSources, Disappointment, Id, verdicts};
use sim::laboratory::{Laboratory, prepare};

/// What a run of all tests came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many tests there were.
    pub test_count: usize,
    /// How many of them failed.
    pub failed_count: usize,
    /// Each expectation that did not come true, at its place.
    pub report: AssetReport,
}

/// Plays every test of good data; `threads` (at least one) do not change what is found. Data that itself claims the
/// laboratory's ground is reported instead.
#[must_use]
pub fn play(sources: &AssetSources, threads: usize) -> Verdict {
    let assets = match prepare(sources) {
        Ok(assets) => assets,
        Err(report) => return Verdict { test_count: 0, failed_count: 0, report },
    };
    // The scene is there and level: it was loaded with the data.
    let Ok(laboratory) = Laboratory::new(&assets) else { return Verdict::default() };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= assets.tests.len() {
                return failed;
            }
            let id = Id::new(u32::try_from(index).unwrap_or(u32::MAX));
            failed.push((index, laboratory.trial(id)));
        }
    };
    let mut found: Vec<(usize, Vec<Disappointment>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        joined.flat_map(|found| found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    found.sort_by_key(|(index, _)| *index);
    let failed_count = found.iter().filter(|(_, failed)| !failed.is_empty()).count();
    let failed: Vec<Disappointment> = found.into_iter().flat_map(|(_, failed)| failed).collect();
    Verdict { test_count: assets.tests.len(), failed_count, report: verdicts(sources, &failed) }
}
