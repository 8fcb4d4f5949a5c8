//! Many bots: threads, sockets, the order of joining, and when to begin and to stop measuring. A herd shares one
//! thread with an event loop of its own, because tasks that wander between threads cost several times as much. A
//! few bots share a UDP socket: more of them would overflow the system's receive buffer whenever this process has
//! to wait for a core, and count the server's packets as lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use net::client::ClientEndpoint;
use sim::assets::{ClassDef, SceneDef};
use sim::space::Geometry;
use tokio::time::Instant;

use crate::bot::{self, Life};
use crate::report::{Outcome, Report};
use crate::{Plan, RunError};

/// Bots of one herd.
const HERD_BOTS: u32 = 256;
/// Bots of one socket: with two full datagrams each, a quarter of Linux' default buffer of 208 KiB.
const SOCKET_BOTS: usize = 16;
/// Time between two joins: 200 a second.
const JOIN_SPACING: Duration = Duration::from_millis(5);
/// How often the progress is drawn and the phase is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// Where the test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
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
        })
    }

    /// When a bot joins.
    pub(crate) fn join_time(&self, number: u32) -> Instant {
        self.began + JOIN_SPACING * number
    }

    /// The class of a bot: all in turn.
    pub(crate) fn class_of(&self, number: u32) -> &ClassDef {
        &self.classes[number as usize % self.classes.len()]
    }

    /// A scene by its id.
    pub(crate) fn scene(&self, id: &str) -> Option<(&SceneDef, &Arc<Geometry>)> {
        self.scenes.get(id).map(|(def, geometry)| (def, geometry))
    }

    /// Where the test is.
    pub(crate) fn phase(&self) -> Phase {
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
    pub(crate) fn note_joined(&self, joined: bool) {
        let counter = if joined { &self.joined } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A bot that had joined is done.
    pub(crate) fn note_left(&self) {
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
        let run = move || runtime.block_on(run_herd(&field, herd, herds));
        threads.push(std::thread::Builder::new().name(format!("bots-{herd}")).spawn(run)?);
    }
    conduct(&field);
    let mut lives = Vec::new();
    for thread in threads {
        match thread.join() {
            Ok(herd) => lives.extend(herd?),
            // What was wrong has been printed; a test with a broken bot has no result.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    judge(plan, lives)
}

/// Lives of the bots whose number leaves the remainder `herd`, so that every herd joins evenly.
async fn run_herd(field: &Arc<Field>, herd: u32, herds: u32) -> std::io::Result<Vec<Life>> {
    let numbers: Vec<u32> = (0..field.plan.count).filter(|number| number % herds == herd).collect();
    let mut tasks = Vec::new();
    for sharing in numbers.chunks(SOCKET_BOTS) {
        let endpoint = match ClientEndpoint::bind() {
            Ok(endpoint) => Arc::new(endpoint),
            Err(error) => {
                // Nobody waits for bots that will not come.
                numbers.iter().skip(tasks.len()).for_each(|_| field.note_joined(false));
                return Err(error);
            }
        };
        let live = |&number| tokio::spawn(bot::live(Arc::clone(field), Arc::clone(&endpoint), number));
        tasks.extend(sharing.iter().map(live));
    }
    let mut lives = Vec::new();
    for task in tasks {
        match task.await {
            Ok(life) => lives.push(life),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    Ok(lives)
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

fn judge(plan: &Plan, lives: Vec<Life>) -> Result<Report, RunError> {
    if let Some(theirs) = lives.iter().find_map(|life| life.other_assets) {
        return Err(RunError::OtherAssets { theirs, ours: plan.assets.hash });
    }
    let mut outcome = Outcome::default();
    let mut first_refusal = None;
    for life in lives {
        let mut remarks = life.told;
        remarks.extend(life.dropped.clone());
        if let Some(refused) = &life.refused {
            remarks.push(format!("a bot could not join: {refused}"));
            first_refusal.get_or_insert_with(|| refused.to_string());
        }
        outcome.add(Outcome {
            connected: u32::from(life.refused.is_none()),
            disconnects: u32::from(life.dropped.is_some()),
            violations: life.violations,
            remarks,
            measures: life.measures,
        });
    }
    match first_refusal {
        Some(reason) if outcome.connected == 0 => Err(RunError::NobodyJoined { server: plan.server, reason }),
        _ => Ok(Report::new(plan, outcome)),
    }
}
