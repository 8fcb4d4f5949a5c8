//! Load clients: real QUIC sessions that play, or misbehave, and measure what a player would notice.
//!
//! [`run`] takes a [`Plan`] and gives a [`Report`]. A [`herd`](Plan) of bots shares a thread, a socket and an event
//! loop; each bot predicts its own movement with the server's geometry, acts 20 times a second in a phase of its
//! own, and checks after every turn that what it is shown can be true. Everything a bot chooses follows from the
//! plan's seed, its number and the turn.

mod behaviour;
mod bot;
mod doors;
mod fight;
mod herd;
mod hostile;
mod invariants;
mod measure;
mod report;
mod roam;
mod senses;
mod walk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sim::assets::Assets;
use sim::space::navmesh::Navmesh;

pub use behaviour::{Behaviour, UnknownBehaviour};
pub use net::client::Trust;
pub use report::{Percentiles, Report};

/// What a load test shall do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server's UDP address.
    pub server: SocketAddr,
    /// How many bots, at least 1.
    pub count: u32,
    /// What they do.
    pub behaviour: Behaviour,
    /// How long, once all have joined.
    pub duration: Duration,
    /// Seed of names and choices.
    pub seed: u64,
    /// Which server is the right one.
    pub trust: Trust,
    /// The server's game data.
    pub assets: Arc<Assets>,
    /// The navmeshes of its scenes by the scenes' ids; in a scene without one, bots walk straight on.
    pub navmeshes: BTreeMap<String, Arc<Navmesh>>,
    /// Whether a progress bar is drawn on a terminal.
    pub shows_progress: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Not one bot got in.
    #[error("no bot could join {server}: {reason}")]
    NobodyJoined {
        /// The server asked.
        server: SocketAddr,
        /// What the first of them was told.
        reason: String,
    },
    /// Predictions would be wrong.
    #[error(
        "the server uses other game data (hash {theirs:016x}) than these bots ({ours:016x}): pass the server's with --assets"
    )]
    OtherAssets {
        /// The server's hash.
        theirs: u64,
        /// The bots' hash.
        ours: u64,
    },
    /// Nobody can be made.
    #[error("the game data has no class, so no character can be made")]
    NoClass,
    /// The geometry of a scene cannot be built.
    #[error("scene `{scene}` cannot be built: {source}")]
    Geometry {
        /// Which.
        scene: String,
        /// Why.
        source: sim::space::geometry::GeometryError,
    },
    /// The system gives no socket or thread.
    #[error("cannot start the bots: {0}")]
    System(#[from] std::io::Error),
}

/// Runs a load test to its end.
///
/// # Errors
/// [`RunError`] when there is nothing to report.
pub fn run(plan: &Plan) -> Result<Report, RunError> {
    herd::run(plan)
}
