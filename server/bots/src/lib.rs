//! The load laboratory: real QUIC sessions that play, or misbehave, and measure what a player would notice.
//!
//! [`run`] takes a [`Plan`] and gives a [`Report`]. Every thread drives a herd of bots, each of which acts 20 times a
//! second in a phase of its own, predicts its movement with the server's geometry, and checks that what it is shown can
//! be true. Everything a bot chooses follows from the plan's seed, its number and the turn.

mod behaviour;
mod bot;
mod bundle;
mod commute;
mod crowd;
mod doors;
mod fight;
mod herd;
mod hostile;
mod idle;
mod invariants;
mod line;
mod measure;
mod page;
mod recording;
mod report;
mod roam;
mod scrape;
mod screen;
mod senses;
mod series;
mod thread_clock;
mod truth;
mod walk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sim::assets::Assets;
use sim::space::navmesh::Navmesh;

pub use behaviour::{Behaviour, UnknownBehaviour};
pub use bundle::{About, ReplayError, Replayed, replay};
pub use net::client::Trust;
pub use net::lossy_link::Impairment;
pub use report::{Distributions, Path, Percentiles, Report, Returns};
pub use scrape::{ServerPoint, ServerReport, StageTimes};
pub use series::{Point, Quantiles};

/// What a load test shall do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server's UDP address.
    pub server: SocketAddr,
    /// How many bots, at least 1.
    pub count: u32,
    /// Number of the first of them; several processes share a server by different ones.
    pub first: u32,
    /// What they do.
    pub behaviour: Behaviour,
    /// How far from the meeting place a crowd mills about, in metres.
    pub radius_m: f32,
    /// How long, once all have joined.
    pub duration: Duration,
    /// Threads that drive them; `None` for one to every 4,096.
    pub threads: Option<u32>,
    /// Bots that join in a second, at least 1.
    pub joins_per_second: u32,
    /// What the network does to them.
    pub network: Network,
    /// Seed of names, choices and the network's misfortunes.
    pub seed: u64,
    /// Which server is the right one.
    pub trust: Trust,
    /// The server's game data.
    pub assets: Arc<Assets>,
    /// The navmeshes of its scenes by the scenes' ids; in a scene without one, bots walk straight on.
    pub navmeshes: BTreeMap<String, Arc<Navmesh>>,
    /// Where the server's `/metrics` page is, if it shall be asked for its own figures.
    pub metrics: Option<SocketAddr>,
    /// Where replay bundles are left of what cannot be true; nowhere without it.
    pub bundles: Option<PathBuf>,
    /// How many bots are recorded for that, the first ones; a recording takes as much memory as what passes the bot's line.
    pub recorded: u32,
    /// The server's `--data` folder when it is on this machine; a bundle names the newest log in it.
    pub server_data: Option<PathBuf>,
    /// One of so many bots takes in where others are and checks what it is shown of them; the rest follow themselves
    /// alone, unless they have to see others to act. At least 1.
    pub check_every: u32,
    /// What was typed, for the report.
    pub command_line: String,
    /// Whether there is a live view on a terminal, or a line now and then elsewhere.
    pub shows_progress: bool,
}

impl Plan {
    /// Fifty bots of both honest kinds for half a minute over a good network, in silence.
    #[must_use]
    pub fn new(server: SocketAddr, assets: Arc<Assets>) -> Self {
        Self {
            server,
            count: 50,
            first: 0,
            behaviour: Behaviour::Mixed,
            radius_m: 20.0,
            duration: Duration::from_secs(30),
            threads: None,
            joins_per_second: 200,
            network: Network::default(),
            seed: 1,
            trust: Trust::AnyCertificate,
            assets,
            navmeshes: BTreeMap::new(),
            metrics: None,
            bundles: None,
            recorded: 32,
            server_data: None,
            check_every: 1,
            command_line: String::new(),
            shows_progress: false,
        }
    }
}

/// What the network does to the bots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Network {
    /// Loss, delay and disorder, both ways alike.
    pub impairment: Impairment,
    /// How many bots suffer from it, the first ones; `None` for all.
    pub impaired: Option<u32>,
    /// When everybody's network is gone for a while.
    pub cut: Option<Cut>,
}

impl Network {
    /// How many of so many bots suffer from the impairment.
    pub(crate) fn impaired_count(&self, count: u32) -> u32 {
        let is_good = Impairment { seed: 0, ..self.impairment } == Impairment::default();
        if is_good { 0 } else { self.impaired.unwrap_or(count).min(count) }
    }

    /// Whether some of so many bots have a good network and others a bad one.
    pub(crate) fn is_split(&self, count: u32) -> bool {
        (1..count).contains(&self.impaired_count(count))
    }
}

/// A time without network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// How long after the last bot has joined.
    pub after: Duration,
    /// How long.
    pub lasting: Duration,
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
