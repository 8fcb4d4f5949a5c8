//! Scenes that clients can follow by their log: they stand still until somebody comes, and begin anew when the last has
//! left, so that a log is as long as one match and nobody who joins has to live through yesterday's.
//!
//! The new scene is made from what the first was made from; edits of game data and geometry since are taken in again, one a
//! tick, in its log as in the first's.

use std::collections::VecDeque;
use std::sync::Arc;

use net::lockstep;
use sim::assets::{Assets, Id, SceneDef};
use sim::input::SceneInput;
use sim::scene::Scene;

use crate::metrics::Metrics;
use crate::nav::scenes::Ground;
use crate::scenes::{on_ground, stable_hash};

/// What a scene begins anew from.
pub struct Rematch {
    /// The game data that the first began with.
    pub assets: Arc<Assets>,
    /// Which scene of it.
    pub scene: Id<SceneDef>,
    /// The seed of the first; every match has its own.
    pub seed: u64,
    /// The ground that the first began with.
    pub ground: Ground,
    /// For the times of its stages.
    pub metrics: Arc<Metrics>,
    /// Matches begun since.
    pub count: u64,
    /// Every edit so far, in order.
    pub edits: Vec<SceneInput>,
    /// Those that the running match has not taken in yet.
    pub waiting: VecDeque<SceneInput>,
}

impl Rematch {
    /// What `scene` begins anew from, if it is one that clients can follow.
    #[must_use]
    pub fn of(scene: &Scene, seed: u64, ground: &Ground, assets: &Arc<Assets>, metrics: &Arc<Metrics>) -> Option<Self> {
        let id = assets.scenes.by_name(scene.name())?;
        assets.scenes[id].sync.compare_ticks()?;
        Some(Self {
            assets: Arc::clone(assets),
            scene: id,
            seed,
            ground: ground.clone(),
            metrics: Arc::clone(metrics),
            count: 0,
            edits: Vec::new(),
            waiting: VecDeque::new(),
        })
    }

    /// The edit to take in with the next tick: what the match is behind with, else what is new.
    pub fn next_edit(&mut self, new: Option<SceneInput>) -> Option<SceneInput> {
        if let Some(new) = new {
            self.edits.push(new.clone());
            self.waiting.push_back(new);
        }
        self.waiting.pop_front()
    }

    /// Whether the next tick would change nothing that anybody will ever see.
    #[must_use]
    pub fn stands_still(&self, scene: &Scene) -> bool {
        self.waiting.is_empty() && lockstep::is_waiting(scene)
    }

    /// The next match, with its seed, when the last player has left this one.
    pub fn next(&mut self, scene: &Scene, origin: u64) -> Option<(Scene, u64)> {
        if !lockstep::is_over(scene) {
            return None;
        }
        self.count += 1;
        let seed = stable_hash(self.seed.to_le_bytes().into_iter().chain(self.count.to_le_bytes()));
        let mut next = on_ground(&self.assets, self.scene, seed, &self.ground, net::plugin);
        next.push(SceneInput::Origin { origin });
        next.set_probe(self.metrics.stage_probe(scene.name()));
        self.waiting = self.edits.iter().cloned().collect();
        Some((next, seed))
    }
}
