//! The game data that new players and tools should see: the newest epoch, exchanged by the watch of its directory.
//! Scenes do not look here; each takes an epoch over in a tick of its own.

use std::sync::{Arc, PoisonError, RwLock};

use sim::assets::Assets;

/// The newest epoch, shared between threads.
#[derive(Clone)]
pub struct CurrentAssets(Arc<RwLock<Arc<Assets>>>);

impl CurrentAssets {
    /// The data a process begins with.
    #[must_use]
    pub fn new(assets: Arc<Assets>) -> Self {
        Self(Arc::new(RwLock::new(assets)))
    }

    /// The newest epoch.
    #[must_use]
    pub fn get(&self) -> Arc<Assets> {
        // A pointer is exchanged whole, so there is nothing half-done to find behind a panic.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the next epoch over.
    pub fn set(&self, assets: Arc<Assets>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = assets;
    }
}
