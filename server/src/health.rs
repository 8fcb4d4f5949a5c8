//! What the health endpoints know: whether the server is starting, ready or stopping, and when each scene last
//! finished a tick. Written by the tick threads with one store per tick, read by [`crate::http`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// Without a finished tick for this long, a scene counts as stuck, in microseconds (5 s, a hundred ticks).
pub const STUCK_AFTER_US: u64 = 5_000_000;

/// Where the server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not yet listening.
    Starting,
    /// Players may come.
    Ready,
    /// Players are being told goodbye.
    Stopping,
}

/// What one scene's tick thread reports.
#[derive(Debug, Default)]
pub struct SceneHealth {
    name: String,
    ticked_us: AtomicU64,
    sessions: AtomicUsize,
}

impl SceneHealth {
    /// Reports a finished tick at `now_us` of the process clock, with `sessions` connected players.
    pub fn report(&self, now_us: u64, sessions: usize) {
        // A tick at the clock's very first microsecond still counts as one.
        self.ticked_us.store(now_us.max(1), Ordering::Relaxed);
        self.sessions.store(sessions, Ordering::Relaxed);
    }
}

/// The state of the whole process.
#[derive(Debug)]
pub struct Health {
    phase: AtomicU8,
    scenes: Vec<Arc<SceneHealth>>,
}

impl Health {
    /// A starting server with these scenes.
    #[must_use]
    pub fn new<'a>(scenes: impl IntoIterator<Item = &'a str>) -> Self {
        let scene = |name: &str| Arc::new(SceneHealth { name: name.to_owned(), ..SceneHealth::default() });
        Self { phase: AtomicU8::new(Phase::Starting as u8), scenes: scenes.into_iter().map(scene).collect() }
    }

    /// The reports of one scene, by its place in the list.
    #[must_use]
    pub fn scene(&self, index: usize) -> Option<&Arc<SceneHealth>> {
        self.scenes.get(index)
    }

    /// Where the server is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Stopping,
        }
    }

    /// Moves on to the next phase; a stopping server stays one.
    pub fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
    }

    /// The first scene that has not ticked yet.
    #[must_use]
    pub fn not_yet_ticking(&self) -> Option<&str> {
        let waiting = self.scenes.iter().find(|scene| scene.ticked_us.load(Ordering::Relaxed) == 0);
        waiting.map(|scene| scene.name.as_str())
    }

    /// The first scene without progress for [`STUCK_AFTER_US`] at `now_us`; one that has never ticked is not stuck yet.
    #[must_use]
    pub fn stuck_scene(&self, now_us: u64) -> Option<&str> {
        let is_stuck = |scene: &&Arc<SceneHealth>| {
            let ticked_us = scene.ticked_us.load(Ordering::Relaxed);
            ticked_us != 0 && now_us.saturating_sub(ticked_us) > STUCK_AFTER_US
        };
        self.scenes.iter().find(is_stuck).map(|scene| scene.name.as_str())
    }

    /// Connected players in all scenes, as of their last ticks.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.scenes.iter().map(|scene| scene.sessions.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_without_progress_for_five_seconds_is_named() {
        let health = Health::new(["scene/a", "scene/b"]);
        for index in 0..2 {
            health.scene(index).unwrap().report(1_000, 3);
        }
        assert_eq!((health.stuck_scene(STUCK_AFTER_US), health.sessions()), (None, 6));
        health.scene(0).unwrap().report(STUCK_AFTER_US, 0);
        assert_eq!(health.stuck_scene(STUCK_AFTER_US + 1_001), Some("scene/b"));
    }

    #[test]
    fn a_scene_that_never_ticked_keeps_the_server_from_being_ready() {
        let health = Health::new(["scene/a", "scene/b"]);
        health.scene(0).unwrap().report(0, 0);
        assert_eq!(health.not_yet_ticking(), Some("scene/b"));
        health.scene(1).unwrap().report(9, 0);
        assert_eq!(health.not_yet_ticking(), None);
    }

    #[test]
    fn a_stopping_server_does_not_become_ready_again() {
        let health = Health::new([]);
        health.enter(Phase::Stopping);
        health.enter(Phase::Ready);
        assert_eq!(health.phase(), Phase::Stopping);
    }
}
