//! The threads that tick scenes, and the only place where the wall clock moves the world. Each thread owns some
//! scenes and ticks them one after another, 20 times a second, as its [`pacer`] says; in between it takes in
//! sessions that arrive and hands over characters that leave.
//!
//! A panic in a scene ends the process: a world that is half-way through a tick is not a world to go on with.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use net::mailbox::now_us;
use net::protocol::Goodbye;
use net::sessions::{self, Join};
use sim::ids::PlayerId;
use sim::input::{Character, Departure, SceneInput, SceneOutput};
use sim::scene::Scene;
use tracing::{debug, info, warn};

pub mod pacer;
pub mod rematch;

use crate::health::{Health, Phase, SceneHealth};
use crate::metrics::SceneMetrics;
use crate::recorder::SceneRecorder;
use crate::scenes::directory::{Directory, Settled, Ticket};
use crate::scenes::post::{Attach, Post};
use crate::timetable::Herald;
use pacer::{Pace, Pacer};
use rematch::Rematch;

/// Exit code of a process that a failed thread has ended.
pub(crate) const PANIC_EXIT_CODE: i32 = 101;

/// One scene with everything its thread needs for it.
pub struct RunningScene {
    /// Place in the server's list of scenes.
    pub index: usize,
    /// The scene.
    pub scene: Scene,
    /// Its figures.
    pub metrics: SceneMetrics,
    /// Where it reports progress.
    pub health: Arc<SceneHealth>,
    /// Its log, when one is written.
    pub recorder: Option<SceneRecorder>,
    /// Changes of its game data and geometry, when the data is watched.
    pub edits: Option<Receiver<SceneInput>>,
    /// What it begins anew from when it is empty, for one that clients can follow by its log.
    pub rematch: Option<Rematch>,
    /// What every scene is told.
    pub notices: Receiver<SceneInput>,
}

/// One thread's work.
pub struct Worker {
    /// The scenes it ticks.
    pub scenes: Vec<RunningScene>,
    /// Sessions that arrive.
    pub arrivals: Receiver<Attach>,
    /// The way to other threads.
    pub post: Post,
    /// The way to all scenes.
    pub herald: Herald,
    /// Who is where.
    pub directory: Arc<Directory>,
    /// Tells when to stop.
    pub health: Arc<Health>,
}

impl Worker {
    /// Starts the thread called `tick-<number>`; it ends when the server stops.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self, number: usize) -> io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name(format!("tick-{number}")).spawn(move || {
            let _guard = EndProcessOnPanic;
            self.run();
        })
    }

    fn run(mut self) {
        let mut pacer = Pacer::new(now_us());
        while self.health.phase() != Phase::Stopping {
            let now = now_us();
            match pacer.pace(now) {
                Pace::Wait { until_us } => std::thread::sleep(Duration::from_micros(until_us - now)),
                Pace::Tick { dropped_ticks } => self.tick(dropped_ticks),
            }
        }
        self.take_arrivals();
        for mut running in self.scenes {
            sessions::say_goodbye(&mut running.scene, Goodbye::Shutdown);
            if let Some(recorder) = running.recorder {
                recorder.finish();
            }
        }
        // What other threads sent meanwhile has nowhere to go any more.
        while let Ok(attach) = self.arrivals.try_recv() {
            attach.session.goodbye(Goodbye::Shutdown);
        }
    }

    fn tick(&mut self, dropped_ticks: u64) {
        self.take_arrivals();
        for place in 0..self.scenes.len() {
            let Some(running) = self.scenes.get_mut(place) else { continue };
            if dropped_ticks > 0 {
                running.metrics.count_debt(dropped_ticks);
                warn!(scene = running.scene.name(), dropped_ticks, "ticks are late and will not be made up for");
            }
            for output in running.tick() {
                self.deliver(place, output);
            }
        }
    }

    fn take_arrivals(&mut self) {
        // As many as wait now: what other threads send meanwhile comes with the next tick.
        let waiting: Vec<Attach> = self.arrivals.try_iter().collect();
        for attach in waiting {
            self.attach(attach);
        }
    }

    fn attach(&mut self, attach: Attach) {
        let Attach { scene, player, newcomer, spawn_point, session } = attach;
        let ticket = Ticket { session: session.id(), resume: session.resume() };
        match self.directory.settle(player, ticket, scene, newcomer.as_ref()) {
            Settled::Superseded => session.goodbye(Goodbye::Kicked),
            Settled::Nobody => session.goodbye(Goodbye::ResumeRefused),
            Settled::Elsewhere(scene) => {
                let onward = Attach { scene, player, newcomer, spawn_point: None, session };
                if let Err(attach) = self.post.send(onward) {
                    self.directory.cancel(player, attach.session.id());
                    no_room(*attach);
                }
            }
            Settled::Here(character) => {
                let Some(running) = self.scenes.iter_mut().find(|running| running.index == scene) else {
                    warn!(%player, scene, "a session reached a thread that does not run its scene");
                    return session.goodbye(Goodbye::Internal);
                };
                debug!(%player, scene = running.scene.name(), "session attached");
                sessions::attach(&mut running.scene, Join { player, character: *character, spawn_point }, session);
            }
        }
    }

    fn deliver(&mut self, place: usize, output: SceneOutput) {
        let Some(running) = self.scenes.get_mut(place) else { return };
        match output {
            SceneOutput::Departed { player, character, to: Departure::Portal { scene, spawn_point } } => {
                self.go_through_portal(place, player, character, &scene, spawn_point);
            }
            SceneOutput::Departed { player, character, to } => {
                debug!(%player, scene = running.scene.name(), reason = ?to, "character left");
                self.directory.leave(player, running.index, character);
            }
            SceneOutput::WorldEvent { event, moment } => self.herald.tell_all(&event, &moment),
        }
    }

    fn go_through_portal(
        &mut self,
        place: usize,
        player: PlayerId,
        character: Character,
        to: &str,
        spawn_point: String,
    ) {
        let Some(running) = self.scenes.get_mut(place) else { return };
        let from = running.index;
        let newcomer = Some(character.clone());
        let Some(session) = sessions::release(&mut running.scene, player) else {
            return self.directory.leave(player, from, character);
        };
        // Behind a full scene's portal one stands where one stood.
        let (scene, spawn_point) = match self.directory.transfer(player, from, to, character) {
            Ok(scene) => (scene, Some(spawn_point)),
            Err(_full) => (from, None),
        };
        info!(%player, from = running.scene.name(), to, "character goes through a portal");
        let onward = Attach { scene, player, newcomer, spawn_point, session };
        if let Err(attach) = self.post.send(onward) {
            // The character is kept, and nobody is in any scene for this session.
            self.directory.cancel(player, attach.session.id());
            no_room(*attach);
        }
    }
}

fn no_room(attach: Attach) {
    warn!(player = %attach.player, scene = attach.scene, "no room on the way to a scene");
    attach.session.goodbye(Goodbye::Full);
}

impl RunningScene {
    fn tick(&mut self) -> Vec<SceneOutput> {
        let began = Instant::now();
        // One a tick: a frame of the log has room for one.
        let edit = self.edits.as_ref().and_then(|edits| edits.try_recv().ok());
        let edit = match &mut self.rematch {
            Some(rematch) => rematch.next_edit(edit),
            None => edit,
        };
        edit.into_iter().for_each(|edit| self.scene.push(edit));
        self.notices.try_iter().for_each(|notice| self.scene.push(notice));
        if self.rematch.as_ref().is_some_and(|rematch| rematch.stands_still(&self.scene)) {
            self.report();
            return Vec::new();
        }
        sessions::begin_tick(&mut self.scene, now_us());
        self.scene.tick();
        if let Some(recorder) = &mut self.recorder
            && let Some(reason) = recorder.record(&mut self.scene)
        {
            self.metrics.count_recording_stopped(reason);
        }
        let outputs = self.scene.take_outputs();
        self.metrics.record_total(began.elapsed());
        self.report();
        self.begin_anew_when_over();
        outputs
    }

    fn begin_anew_when_over(&mut self) {
        let Some(rematch) = &mut self.rematch else { return };
        // Two matches are hours apart for the numbers of things: each has its own.
        let origin = crate::serve::origin_of(self.index).unwrap_or(now_us());
        let Some((scene, seed)) = rematch.next(&self.scene, origin) else { return };
        info!(scene = scene.name(), matches = rematch.count, "everybody has left; the scene begins anew");
        self.scene = scene;
        if let Some(recorder) = &mut self.recorder
            && let Some(reason) = recorder.begin_anew(&mut self.scene, seed, &rematch.assets)
        {
            self.metrics.count_recording_stopped(reason);
        }
    }

    fn report(&mut self) {
        self.metrics.count_sim(self.scene.take_counts());
        self.metrics.count_sessions(sessions::take_stats(&mut self.scene));
        let sessions = sessions::count(&self.scene);
        self.metrics.set_players(self.scene.player_count(), sessions, sessions::awake_count(&self.scene));
        self.health.report(now_us(), sessions);
    }
}

/// Ends the process when its thread panics.
struct EndProcessOnPanic;

impl Drop for EndProcessOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a scene has failed in the middle of a tick; the process ends");
            std::process::exit(PANIC_EXIT_CODE);
        }
    }
}
