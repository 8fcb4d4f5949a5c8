//! Many bots: threads, the order of joining, and when to begin and to stop measuring. A herd is the bots of one thread,
//! which drives them one after the other; nothing but a few counts is shared with other herds.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sim::assets::{ClassDef, SceneDef};
use sim::ids::SimId;
use sim::space::Geometry;

use crate::report::{Outcome, Report};
use crate::scrape::ServerPoint;
use crate::series::Series;
use crate::{Plan, RunError};

mod conduct;
mod thread;

/// Turns between two such looks of a bot that sends nothing (1 minute).
const STILL_LOOK_TURNS: u32 = 12;
/// Bots of one herd, unless the plan says otherwise: as many as one thread can drive on a core it has to share.
const HERD_BOTS: u32 = 4_096;
/// The same for bots that send nothing: a thread wakes a thousand times a second, however little each of them has to do.
const STILL_HERD_BOTS: u32 = 32_768;
/// In herds of up to so many bots each looks at everything in view twice a second; in larger ones every three seconds.
const CLOSE_LOOK_BOTS: u32 = 300;

/// Where the test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not all have joined.
    Joining,
    /// Times are kept.
    Measuring,
    /// Everyone leaves.
    Leaving,
}

/// What all bots share.
pub(crate) struct Field {
    pub(crate) plan: Plan,
    scenes: BTreeMap<String, (SceneDef, Arc<Geometry>)>,
    classes: Vec<ClassDef>,
    began: Instant,
    phase: AtomicU8,
    joined: AtomicU32,
    refused: AtomicU32,
    left: AtomicU32,
    series: Mutex<Series>,
    /// What the server said last of itself.
    server: Mutex<Option<ServerPoint>>,
    /// What bots have been shown that cannot be true.
    violations: AtomicU64,
    /// The bots' characters.
    characters: Mutex<BTreeSet<SimId>>,
    is_cut: AtomicBool,
    /// When the network came back, in microseconds since the test began; 0 before that.
    mended_us: AtomicU64,
}

impl Field {
    /// What bots of this plan share.
    pub(crate) fn new(plan: &Plan) -> Result<Self, RunError> {
        if plan.assets.classes.is_empty() {
            return Err(RunError::NoClass);
        }
        let mut scenes = BTreeMap::new();
        for (_, def) in plan.assets.scenes.iter() {
            let geometry = Geometry::build(def);
            let geometry = geometry.map_err(|source| RunError::Geometry { scene: def.id.clone(), source })?;
            scenes.insert(def.id.clone(), (def.clone(), Arc::new(geometry)));
        }
        Ok(Self {
            plan: plan.clone(),
            scenes,
            classes: plan.assets.classes.iter().map(|(_, class)| class.clone()).collect(),
            began: Instant::now(),
            phase: AtomicU8::new(0),
            joined: AtomicU32::new(0),
            refused: AtomicU32::new(0),
            left: AtomicU32::new(0),
            series: Mutex::default(),
            server: Mutex::default(),
            violations: AtomicU64::new(0),
            characters: Mutex::default(),
            is_cut: AtomicBool::new(false),
            mended_us: AtomicU64::new(0),
        })
    }

    /// When the bot in this place of the order joins.
    fn join_time(&self, order: u32) -> Instant {
        self.began + Duration::from_secs(1) * order / self.plan.joins_per_second.max(1)
    }

    /// Whole seconds since the test began.
    fn second(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// Turns between two looks of a bot at everything in view: fewer looks of more bots.
    pub(crate) fn look_turns(&self) -> u32 {
        match self.plan.count {
            _ if self.plan.behaviour.is_still() => STILL_LOOK_TURNS,
            ..=CLOSE_LOOK_BOTS => 10,
            _ => 60,
        }
    }

    /// Whether a bot checks what it is shown of others.
    pub(crate) fn checks(&self, number: u32) -> bool {
        number.wrapping_sub(self.plan.first).is_multiple_of(self.plan.check_every.max(1))
    }

    /// The class of a bot: all in turn.
    pub(crate) fn class_of(&self, number: u32) -> &ClassDef {
        &self.classes[number as usize % self.classes.len()]
    }

    /// The course of the test so far.
    pub(crate) fn series(&self) -> MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A scene by its id.
    pub(crate) fn scene(&self, id: &str) -> Option<(&SceneDef, &Arc<Geometry>)> {
        self.scenes.get(id).map(|(def, geometry)| (def, geometry))
    }

    /// Where the test is.
    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Joining,
            1 => Phase::Measuring,
            _ => Phase::Leaving,
        }
    }

    /// Goes on to a phase; there is no way back.
    fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::Relaxed);
    }

    /// A bot stands in the world, or was refused.
    fn note_joined(&self, joined: bool) {
        let counter = if joined { &self.joined } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A bot that had joined is done.
    fn note_left(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    /// What the server said last of itself.
    fn server(&self) -> MutexGuard<'_, Option<ServerPoint>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bot was shown what cannot be true, so many times.
    pub(crate) fn note_violations(&self, count: u64) {
        self.violations.fetch_add(count, Ordering::Relaxed);
    }

    /// A bot has this character.
    fn note_character(&self, own: Option<SimId>) {
        if let Some(own) = own {
            self.characters.lock().unwrap_or_else(PoisonError::into_inner).insert(own);
        }
    }

    /// Whether a character is a bot's.
    fn is_character(&self, id: SimId) -> bool {
        self.characters.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Takes everybody's network away, or gives it back.
    fn cut(&self, is_cut: bool) {
        if self.is_cut.swap(is_cut, Ordering::Relaxed) && !is_cut {
            let now_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.mended_us.store(now_us, Ordering::Relaxed);
        }
    }

    /// Whether there is no network.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// When the network came back; `None` before it did.
    fn mended(&self) -> Option<Instant> {
        let mended = Duration::from_micros(self.mended_us.load(Ordering::Relaxed));
        (!mended.is_zero()).then(|| self.began + mended)
    }

    fn have_all_answers(&self) -> bool {
        self.joined.load(Ordering::Relaxed) + self.refused.load(Ordering::Relaxed) >= self.plan.count
    }

    fn is_anybody_here(&self) -> bool {
        self.joined.load(Ordering::Relaxed) > self.left.load(Ordering::Relaxed)
    }
}

/// Runs the whole test.
pub(crate) fn run(plan: &Plan) -> Result<Report, RunError> {
    let field = Arc::new(Field::new(plan)?);
    let herd_bots = if plan.behaviour.is_still() { STILL_HERD_BOTS } else { HERD_BOTS };
    let herds = plan.threads.unwrap_or_else(|| plan.count.div_ceil(herd_bots)).max(1);
    let threads = (0..herds).map(|herd| {
        let own = Arc::clone(&field);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        spawn(&field, herd, move || runtime.block_on(thread::run(&own, herd, herds)))
    });
    let conducted =
        threads.collect::<io::Result<Vec<_>>>().and_then(|threads| Ok((conduct::conduct(&field)?, threads)));
    // Whoever drives bots of a test that cannot be stops, too.
    let (server, threads) = conducted.inspect_err(|_| field.enter(Phase::Leaving))?;
    let mut outcome = Outcome::default();
    for thread in threads {
        match thread.join() {
            Ok(herd) => outcome.add(herd?),
            // What was wrong has been printed; a test with a broken bot has no result.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    outcome.server = server;
    outcome.series = std::mem::take(&mut *field.series()).finish();
    judge(plan, outcome)
}

type HerdThread = JoinHandle<io::Result<Outcome>>;

/// A thread that drives a herd.
fn spawn(
    field: &Arc<Field>,
    herd: u32,
    drive: impl FnOnce() -> io::Result<Outcome> + Send + 'static,
) -> io::Result<HerdThread> {
    let alarm = Alarm(Arc::clone(field));
    let run = move || {
        let _alarm = alarm;
        drive()
    };
    std::thread::Builder::new().name(format!("bots-{herd}")).spawn(run)
}

/// Ends the test when the thread that holds it panics: nobody waits for its bots.
struct Alarm(Arc<Field>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.enter(Phase::Leaving);
        }
    }
}

fn judge(plan: &Plan, outcome: Outcome) -> Result<Report, RunError> {
    if let Some(theirs) = outcome.other_assets {
        return Err(RunError::OtherAssets { theirs, ours: plan.assets.hash });
    }
    match &outcome.refusal {
        Some(reason) if outcome.connected == 0 => {
            Err(RunError::NobodyJoined { server: plan.server, reason: reason.clone() })
        }
        _ => Ok(Report::new(plan, outcome)),
    }
}

#[cfg(test)]
mod tests {
    use sim::testing::test_assets;

    use super::*;

    #[test]
    fn a_herd_that_breaks_while_bots_join_ends_the_test() {
        let plan = Plan::new(([127, 0, 0, 1], 0).into(), test_assets(&[]));
        let field = Arc::new(Field::new(&plan).unwrap());
        let thread = spawn(&field, 0, || panic!("planted")).unwrap();
        assert_eq!(conduct::conduct(&field).unwrap(), None);
        assert!(thread.join().is_err());
        assert_eq!(field.phase(), Phase::Leaving);
    }
}
