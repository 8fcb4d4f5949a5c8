//! Many bots: threads, the order of joining, and when to begin and to stop measuring. A herd is the bots of one thread,
//! which drives them one after the other; nothing but a few counts is shared with other herds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sim::assets::{ClassDef, SceneDef};
use sim::space::Geometry;
use tokio::time::Instant;

use crate::report::{Outcome, Report};
use crate::series::Series;
use crate::{Plan, RunError};

mod thread;

/// Bots of one herd: as many as one thread can drive on a core it has to share.
const HERD_BOTS: u32 = 512;
/// How often the progress is drawn and the phase is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

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
}

impl Field {
    fn new(plan: &Plan) -> Result<Self, RunError> {
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

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
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
    let herds = plan.count.div_ceil(HERD_BOTS).max(1);
    let mut threads = Vec::new();
    for herd in 0..herds {
        let field = Arc::clone(&field);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = move || runtime.block_on(thread::run(&field, herd, herds));
        threads.push(std::thread::Builder::new().name(format!("bots-{herd}")).spawn(run)?);
    }
    conduct(&field);
    let mut outcome = Outcome::default();
    for thread in threads {
        match thread.join() {
            Ok(herd) => outcome.add(herd?),
            // What was wrong has been printed; a test with a broken bot has no result.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    outcome.series = std::mem::take(&mut *field.series()).finish();
    judge(plan, outcome)
}

/// Moves the test through its phases and draws the progress. Ends early when nobody is left.
fn conduct(field: &Field) {
    let bar = progress_bar(&field.plan);
    bar.set_length(u64::from(field.plan.count));
    bar.set_message("bots join");
    while !field.have_all_answers() {
        bar.set_position(u64::from(field.joined.load(Ordering::Relaxed)));
        std::thread::sleep(LOOK_PERIOD);
    }
    field.enter(Phase::Measuring);
    let began = Instant::now();
    let tenths = |time: Duration| u64::try_from(time.as_millis() / 100).unwrap_or(u64::MAX);
    bar.set_length(tenths(field.plan.duration));
    bar.set_message(format!("{} bots play", field.joined.load(Ordering::Relaxed)));
    while began.elapsed() < field.plan.duration && field.is_anybody_here() {
        bar.set_position(tenths(began.elapsed()));
        std::thread::sleep(LOOK_PERIOD.min(field.plan.duration.saturating_sub(began.elapsed())));
    }
    field.enter(Phase::Leaving);
    bar.finish_and_clear();
}

fn progress_bar(plan: &Plan) -> ProgressBar {
    let target = if plan.shows_progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    match ProgressStyle::with_template("{msg:20} {bar:40} {percent:>3} %  {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
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
